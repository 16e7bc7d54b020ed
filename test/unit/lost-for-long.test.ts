import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { lostForLong } from '../../src/cli/lost-for-long.ts'
import type { StoreStatus } from '../../src/store/store.ts'

function aStatus() {
  const listeners = new Set<(status: StoreStatus) => void>()
  return {
    is: (kind: StoreStatus['kind']) => listeners.forEach((listener) => listener({ kind, detail: '' })),
    subscribe: (listener: (status: StoreStatus) => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    listeners,
  }
}

test('a store that stays down is given up on', async () => {
  const status = aStatus()
  const { signal } = lostForLong(status, 20)
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  status.is('down')
  status.is('down')
  await aborted
  expect(signal.aborted).toBe(true)
})

test('one that comes back, that only starts, or that nobody waits for any more is not', async () => {
  const [back, starting, left] = [aStatus(), aStatus(), aStatus()]
  const all = [back, starting, left].map((status) => lostForLong(status, 20))
  back.is('down')
  back.is('ready')
  starting.is('starting')
  left.is('down')
  all[2]?.forget()
  expect(left.listeners.size).toBe(0)
  await sleep(60)
  expect(all.map(({ signal }) => signal.aborted)).toEqual([false, false, false])
})
