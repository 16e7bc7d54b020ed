import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Provider } from '../../src/domain/policy.ts'
import type { SlotAnswer, SlotQuestion } from '../../src/domain/slot-messages.ts'
import { createLeasedSlots } from '../../src/upstream/leased-slots.ts'
import { createSlotBroker } from '../../src/workers/slot-broker.ts'
import { aPolicy, aProvider } from '../fakes/a-provider.ts'

type Call = { state: 'waiting' | 'running' | 'refused' | 'left' | 'ended'; readonly worker: number; leave: () => void }

/** Workers and their primary, with messages that arrive in order, each when the test says so. */
function stage(workers: number, limits: { readonly maxConcurrent: number; readonly maxQueued: number }) {
  let provider: Provider = aProvider({ ...limits, queueTimeoutMs: 3_600_000 })
  const toPrimary: SlotQuestion[][] = []
  const toWorker: SlotAnswer[][] = []
  const calls: Call[] = []
  const broker = createSlotBroker(workers, (worker, answer) => void toWorker[worker]?.push(answer))
  const all = Array.from({ length: workers }, () => {
    const questions: SlotQuestion[] = []
    toPrimary.push(questions)
    toWorker.push([])
    return createLeasedSlots((question) => void questions.push(question))
  })
  const slotsOf = (worker: number) => {
    const slots = all[worker]
    if (slots === undefined) throw new Error(`no worker ${worker}`)
    return slots
  }
  /** Delivers the oldest message one way; false when there is none. */
  const hear = (worker: number): boolean => {
    const question = toPrimary[worker]?.shift()
    if (question !== undefined) broker.take(worker, question)
    return question !== undefined
  }
  const tell = (worker: number): boolean => {
    const answer = toWorker[worker]?.shift()
    if (answer !== undefined) slotsOf(worker).take(answer)
    return answer !== undefined
  }
  const inState = (state: Call['state']) => calls.filter((call) => call.state === state)
  return {
    inState,
    acquire: (worker: number): Call => {
      const call: Call = { state: 'waiting', worker, leave: () => undefined }
      calls.push(call)
      const settle = (state: 'running' | 'refused') => (): void => {
        expect(call.state).toBe('waiting')
        call.state = state
      }
      call.leave = slotsOf(worker).acquire(provider, { granted: settle('running'), refused: settle('refused') })
      return call
    },
    release: (call: Call): void => {
      call.state = 'ended'
      slotsOf(call.worker).release(provider)
    },
    leave: (call: Call): void => {
      call.state = 'left'
      call.leave()
    },
    hear,
    tell,
    deliverAll: (): void => {
      for (let busy = true; busy;) {
        busy = false
        for (let worker = 0; worker < workers; worker++) busy = hear(worker) || tell(worker) || busy
      }
    },
    /** The process of `worker` ends, and another takes its place. */
    kill: (worker: number): void => {
      toPrimary[worker]?.splice(0)
      toWorker[worker]?.splice(0)
      for (const call of calls) {
        if (call.worker === worker && (call.state === 'waiting' || call.state === 'running')) call.state = 'ended'
      }
      all[worker] = createLeasedSlots((question) => void toPrimary[worker]?.push(question))
      broker.forget(worker)
    },
    limit: (next: { readonly maxConcurrent: number; readonly maxQueued: number }): void => {
      provider = { ...provider, ...next }
      broker.setPolicy(aPolicy([provider]))
    },
  }
}

const step = fc.record({
  what: fc.constantFrom(
    'acquire',
    'acquire',
    'acquire',
    'release',
    'release',
    'leave',
    'hear',
    'hear',
    'tell',
    'tell',
    'kill',
  ),
  worker: fc.nat({ max: 2 }),
  which: fc.nat(),
})

describe('slots of several workers', () => {
  it('never exceed the limit in sum, settle every call once, and leave nobody waiting beside a free slot', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 5 }),
        fc.array(step, { maxLength: 200, size: 'max' }),
        (maxConcurrent, maxQueued, steps) => {
          const { inState, ...scene } = stage(3, { maxConcurrent, maxQueued })
          for (const { what, worker, which } of steps) {
            const pick = (state: Call['state']): Call | undefined => {
              const found = inState(state)
              return found[which % Math.max(1, found.length)]
            }
            if (what === 'acquire') scene.acquire(worker)
            else if (what === 'hear') scene.hear(worker)
            else if (what === 'tell') scene.tell(worker)
            else if (what === 'kill') {
              if (which % 4 === 0) scene.kill(worker)
            } else if (what === 'release') {
              const call = pick('running')
              if (call !== undefined) scene.release(call)
            } else {
              const call = pick('waiting')
              if (call !== undefined) scene.leave(call)
            }
            expect(inState('running').length).toBeLessThanOrEqual(maxConcurrent)
          }
          scene.deliverAll()
          const waiting = inState('waiting').length
          expect(waiting).toBeLessThanOrEqual(maxQueued)
          expect(waiting === 0 || inState('running').length === maxConcurrent).toBe(true)
          // Every slot comes back, whoever had it.
          for (let left = inState('running'); left.length > 0; left = inState('running')) {
            for (const call of left) scene.release(call)
            scene.deliverAll()
          }
          expect(inState('waiting')).toEqual([])
          for (let call = 0; call < maxConcurrent; call++) scene.acquire(0)
          scene.deliverAll()
          expect(inState('running').length).toBe(maxConcurrent)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('cost no message while there are plenty', () => {
    const { acquire, release, hear, deliverAll } = stage(2, { maxConcurrent: 512, maxQueued: 10 })
    const first = acquire(0)
    deliverAll()
    expect(first.state).toBe('running')
    release(first)
    const more = Array.from({ length: 100 }, () => acquire(0))
    expect(more.every(({ state }) => state === 'running')).toBe(true)
    for (const call of more) release(call)
    expect(hear(0)).toBe(false)
  })

  it('go to the worker that needs them: one alone gets all, also those that another had kept', () => {
    const { acquire, release, deliverAll, inState } = stage(2, { maxConcurrent: 64, maxQueued: 0 })
    const elsewhere = acquire(1)
    deliverAll()
    release(elsewhere)
    for (let call = 0; call < 64; call++) {
      acquire(0)
      if (call % 7 === 0) deliverAll()
    }
    deliverAll()
    expect(inState('running').length).toBe(64)
    acquire(0)
    deliverAll()
    expect(inState('refused').length).toBe(1)
  })

  it('are granted in order of arrival across workers, and those that may not wait are the latest', () => {
    const { acquire, release, deliverAll } = stage(2, { maxConcurrent: 1, maxQueued: 2 })
    const calls = [0, 1, 0, 1].map((worker) => {
      const call = acquire(worker)
      deliverAll()
      return call
    })
    const states = () => calls.map(({ state }) => state)
    expect(states()).toEqual(['running', 'waiting', 'waiting', 'refused'])
    for (const call of calls.slice(0, 2)) {
      release(call)
      deliverAll()
    }
    expect(states()).toEqual(['ended', 'ended', 'running', 'refused'])
  })

  it('are not waited for from a worker that ended while they were called back', () => {
    const { acquire, hear, kill, deliverAll, inState } = stage(2, { maxConcurrent: 8, maxQueued: 0 })
    acquire(1)
    deliverAll()
    for (let call = 0; call < 9; call++) acquire(0)
    while (hear(0)) continue
    kill(1)
    deliverAll()
    expect([inState('running').length, inState('refused').length]).toEqual([8, 1])
  })

  it('keep to a lower limit as soon as the workers have heard of it, and to a higher one at once', () => {
    const { acquire, release, deliverAll, inState, limit } = stage(2, { maxConcurrent: 100, maxQueued: 100 })
    const calls = Array.from({ length: 20 }, (_, call) => acquire(call % 2))
    deliverAll()
    limit({ maxConcurrent: 4, maxQueued: 100 })
    deliverAll()
    for (const call of calls) release(call)
    for (let call = 0; call < 10; call++) acquire(call % 2)
    deliverAll()
    expect([inState('running').length, inState('waiting').length]).toEqual([4, 6])
    limit({ maxConcurrent: 9, maxQueued: 100 })
    deliverAll()
    expect([inState('running').length, inState('waiting').length]).toEqual([9, 1])
  })
})
