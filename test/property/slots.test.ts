import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSlots } from '../../src/upstream/slots.ts'
import { aProvider } from '../fakes/a-provider.ts'

describe('createSlots', () => {
  it('never exceeds the limits, grants in order of arrival, and settles every waiter exactly once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 3 }),
        fc.array(fc.constantFrom('acquire', 'release', 'cancel'), { maxLength: 60 }),
        (maxConcurrent, maxQueued, steps) => {
          const provider = aProvider({ maxConcurrent, maxQueued })
          const slots = createSlots()
          const granted: number[] = []
          const refused: number[] = []
          const cancels = new Map<number, () => void>()
          const cancelled = new Set<number>()
          let asked = 0
          let released = 0
          for (const step of steps) {
            if (step === 'acquire') {
              const me = asked++
              const cancel = slots.acquire(provider, {
                granted: () => void granted.push(me),
                refused: () => void refused.push(me),
              })
              if (!granted.includes(me) && !refused.includes(me)) cancels.set(me, cancel)
            } else if (step === 'release' && granted.length > released) {
              released++
              slots.release(provider)
            } else if (step === 'cancel') {
              const waiting = [...cancels.keys()].find((id) => !granted.includes(id) && !cancelled.has(id))
              if (waiting !== undefined) {
                cancels.get(waiting)?.()
                cancelled.add(waiting)
              }
            }
            const [use] = slots.use()
            expect(use?.inFlight ?? 0).toBe(granted.length - released)
            expect(use?.inFlight ?? 0).toBeLessThanOrEqual(maxConcurrent)
            expect(use?.queued ?? 0).toBeLessThanOrEqual(maxQueued)
          }
          expect(granted).toEqual([...granted].sort((a, b) => a - b))
          expect(new Set([...granted, ...refused, ...cancelled]).size).toBe(
            granted.length + refused.length + cancelled.size,
          )
          while (granted.length > released) {
            released++
            slots.release(provider)
          }
          expect(granted.length + refused.length + cancelled.size).toBe(asked)
        },
      ),
    )
  })

  it('lets those that wait in as soon as a call brings a higher limit, whatever the calls under way came with', () => {
    const slots = createSlots()
    const granted: string[] = []
    const ask = (name: string, maxConcurrent: number): void => {
      const refused = (): void => void granted.push(`${name} refused`)
      slots.acquire(aProvider({ maxConcurrent, maxQueued: 9 }), { granted: () => void granted.push(name), refused })
    }
    ask('hung', 1)
    ask('waiting', 1)
    expect(granted).toEqual(['hung'])
    ask('after the reload', 4)
    expect(granted).toEqual(['hung', 'waiting', 'after the reload'])
  })

  it('keeps to a lower limit from the first call that brings it, also when an older call ends', () => {
    const slots = createSlots()
    const before = aProvider({ maxConcurrent: 3, maxQueued: 9 })
    const after = aProvider({ maxConcurrent: 1, maxQueued: 9 })
    const ignore = { granted: () => undefined, refused: () => undefined }
    for (let call = 0; call < 3; call++) slots.acquire(before, ignore)
    slots.acquire(after, ignore)
    slots.release(before)
    expect(slots.use()).toMatchObject([{ inFlight: 2, queued: 1 }])
    slots.release(before)
    slots.release(before)
    expect(slots.use()).toMatchObject([{ inFlight: 1, queued: 0 }])
  })

  it('refuses a waiter whose time is up', async () => {
    const provider = aProvider({ maxConcurrent: 1, queueTimeoutMs: 5 })
    const slots = createSlots()
    slots.acquire(provider, { granted: () => undefined, refused: () => undefined })
    await new Promise<void>((resolve) => slots.acquire(provider, { granted: () => undefined, refused: resolve }))
    expect(slots.use()).toEqual([{ provider: 'openai', inFlight: 1, queued: 0 }])
  })
})
