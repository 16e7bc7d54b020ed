import { expect, it } from 'vitest'
import { alarm } from '../../src/store/alarm.ts'
import { realWorld } from '../fakes/real-world.ts'

/** An alarm that is quiet for `quietMs`, and what it said so far. */
function anAlarm(quietMs: number, monotonic = realWorld.monotonic) {
  const said: number[] = []
  let heard = (): void => {}
  const raise = alarm(
    { monotonic },
    (count) => {
      said.push(count)
      heard()
    },
    quietMs,
  )
  return { said, raise, next: () => new Promise<void>((resolve) => (heard = resolve)) }
}

it('a loss is told at once, and what follows in the quiet time as one sum', () => {
  let now = 1_000
  const { said, raise } = anAlarm(10_000, () => now)
  raise(1)
  expect(said).toEqual([1])
  raise(2)
  now += 9_999
  raise(3)
  expect(said).toEqual([1])
  now += 1
  raise(4)
  expect(said).toEqual([1, 9])
})

it('a loss in the quiet time is told when that is over, though nothing follows it', async () => {
  const { said, raise, next } = anAlarm(30)
  raise(1)
  const told = next()
  raise(2)
  raise(3)
  expect(said).toEqual([1])
  await told
  expect(said).toEqual([1, 5])
})
