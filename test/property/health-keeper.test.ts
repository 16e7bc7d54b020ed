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
  /** One of the calls under way ends; some never do. */
  | { readonly kind: 'end'; readonly which: number }
  | { readonly kind: 'wait'; readonly ms: number }

/** What befalls all calls that end for a while: outages are no single calls. */
type Phase = { readonly ending: (typeof ENDINGS)[number]; readonly steps: readonly Step[] }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('begin'), key: fc.constantFrom(...KEYS) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('end'), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.nat(8_000) }) },
)
const phases: fc.Arbitrary<readonly Phase[]> = fc.array(
  fc.record({ ending: fc.constantFrom(...ENDINGS), steps: fc.array(step, { maxLength: 60, size: 'max' }) }),
  { maxLength: 5, size: 'max' },
)

type Call = { readonly key: string; readonly probe: number | undefined; readonly at: number }

/** Lives through the phases; what is still under way then comes back. */
function live(one: TestKeeper, all: readonly Phase[]): readonly Call[] {
  const calls: Call[] = []
  for (const { ending, steps } of all) {
    for (const each of steps) {
      if (each.kind === 'wait') one.wait(each.ms)
      else if (each.kind === 'begin') {
        calls.push({ key: each.key, probe: one.keeper.begun(each.key, one.now()), at: one.now() })
      } else {
        const [call] = calls.splice(each.which % Math.max(1, calls.length), 1)
        if (call !== undefined) end(one, call, ending)
      }
    }
  }
  return calls
}

function end(one: TestKeeper, { key, probe, at }: Call, ending: (typeof ENDINGS)[number]): void {
  one.keeper.ended(endedCall({ ...ending, key, probe, endedAt: one.now(), durationMs: one.now() - at }))
}

test('whatever has happened, calls that go well bring every target back within the longest waits there are', () => {
  fc.assert(
    fc.property(phases, (all) => {
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
    fc.property(phases, fc.constantFrom(...KEYS), (all, key) => {
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
    fc.property(phases, (all) => {
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
