import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  aKeeper,
  answered,
  BROKEN,
  CANCELLED,
  CLIENTS_FAULT,
  endedCall,
  type TestKeeper,
  UNREACHABLE,
  WELL,
} from '../fakes/a-keeper.ts'

const KEYS = ['openai/gpt-4o', 'openai/gpt-4o-mini', 'second/*']
const ENDINGS = [WELL, BROKEN, UNREACHABLE, CLIENTS_FAULT, CANCELLED, answered(429, 'rate_limit', 3_000)]

type Step =
  | { readonly kind: 'begin'; readonly key: string }
  /** One of the calls under way; some of them never end. */
  | { readonly kind: 'end'; readonly which: number; readonly ending: (typeof ENDINGS)[number] }
  | { readonly kind: 'wait'; readonly ms: number }

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('begin'), key: fc.constantFrom(...KEYS) }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('end'), which: fc.nat(), ending: fc.constantFrom(...ENDINGS) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.nat(8_000) }) },
  ),
  { maxLength: 150 },
)

type Call = { readonly key: string; readonly probe: number | undefined; readonly at: number }

/** Lives through the steps; what is still under way then comes back. */
function live(one: TestKeeper, all: readonly Step[]): readonly Call[] {
  const calls: Call[] = []
  for (const step of all) {
    if (step.kind === 'wait') one.wait(step.ms)
    else if (step.kind === 'begin') {
      calls.push({ key: step.key, probe: one.keeper.begun(step.key, one.now()), at: one.now() })
    } else {
      const [call] = calls.splice(step.which % Math.max(1, calls.length), 1)
      if (call !== undefined) end(one, call, step.ending)
    }
  }
  return calls
}

function end(one: TestKeeper, { key, probe, at }: Call, ending: (typeof ENDINGS)[number]): void {
  one.keeper.ended(endedCall({ ...ending, key, probe, endedAt: one.now(), durationMs: one.now() - at }))
}

test('whatever has happened, calls that go well bring every target back within the longest waits there are', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const one = aKeeper()
      live(one, all)
      const since = one.now()
      while (KEYS.some((key) => one.state(key) !== 'healthy') && one.now() - since < 60_000) {
        for (const key of KEYS) one.call({ ...WELL, key })
        one.wait(250)
      }
      expect(KEYS.map((key) => one.state(key))).toEqual(['healthy', 'healthy', 'healthy'])
      // A probe that never ends has its place for ten seconds, and no wait is over five.
      expect(one.now() - since).toBeLessThanOrEqual(10_000 + 5_000 + 2_000)
    }),
  )
})

test('whatever has happened, five bad calls shut a target out, and what was under way before does not bring it back', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(...KEYS), (all, key) => {
      const one = aKeeper()
      const underWay = live(one, all)
      for (let call = 0; call < 5; call++) one.call({ ...BROKEN, key })
      const others = underWay.filter(({ probe }) => probe === undefined)
      for (const call of others) end(one, call, WELL)
      expect(['open', 'probing', 'throttled']).toContain(one.state(key))
    }),
  )
})

test('calls under way are those that have begun and not ended, and every count is one', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const one = aKeeper()
      const underWay = live(one, all)
      const { targets, providers } = one.keeper.report()
      const active = KEYS.map((target) => underWay.filter(({ key }) => key === target).length)
      const [first = 0, second = 0, third = 0] = active
      expect(targets.map((target) => target.active)).toEqual(active)
      expect(providers.map((provider) => provider.active)).toEqual([first + second, third])
      for (const { window } of [...targets, ...providers]) {
        expect(window.failures).toBeGreaterThanOrEqual(0)
        expect(window.calls).toBeGreaterThanOrEqual(window.failures)
      }
    }),
  )
})
