import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ConfigEvent, StoredEvent } from '../../src/domain/changes/config-event.ts'
import { foldChange, NO_CHANGES, overlayAt, overlayOf } from '../../src/domain/changes/fold-changes.ts'
import { entryOfEvent, eventOfEntry } from '../../src/domain/changes/journal-entry.ts'

const ROUTES = ['chat', 'code']
const weights = fc.dictionary(fc.constantFrom('a/x', 'b/y', 'c/z'), fc.integer({ min: 0, max: 100 }), { minKeys: 1 })
const tasks = fc.dictionary(fc.constantFrom('coding', '__proto__', 'constructor'), weights)
const inPlace = fc.record({ weights, pins: fc.subarray(['a/x', 'b/y']), tasks }, { requiredKeys: ['weights', 'pins'] })

/** An event of one instance; `seen` is how many revisions it lagged behind, `of` which earlier event it declares over. */
const draft = fc.record({
  route: fc.constantFrom(...ROUTES),
  kind: fc.constantFrom(
    'weights_set' as const,
    'weights_set' as const,
    'weights_reset' as const,
    'weights_superseded' as const,
  ),
  now: inPlace,
  base: weights,
  before: inPlace,
  at: fc.integer({ min: 0, max: 50 }),
  lag: fc.integer({ min: 0, max: 3 }),
  of: fc.integer({ min: 1, max: 3 }),
  actor: fc.string(),
  reason: fc.string({ unit: 'binary' }),
})

function eventsOf(drafts: readonly (typeof draft extends fc.Arbitrary<infer T> ? T : never)[]): readonly StoredEvent[] {
  return drafts.map(({ route, kind, now, base, before, at, lag, of, actor, reason }, index): StoredEvent => {
    const change =
      kind === 'weights_set'
        ? { kind, route, base, ...now }
        : kind === 'weights_reset'
          ? { kind, route }
          : { kind, route, of: `e${Math.max(0, index - of)}` }
    const revision = index + 1
    const made = { id: `e${index}`, at, instance: 'i', actor, reason: reason.toWellFormed(), policyVersion: 'v' }
    return { ...made, after: Math.max(0, index - lag), revision, change, before, now }
  })
}

const events = fc.array(draft, { maxLength: 25 }).map(eventsOf)

test('whoever reads the journal in whatever pieces, some of them twice, comes to the same', () => {
  fc.assert(
    fc.property(events, fc.array(fc.nat({ max: 25 })), (all, cuts) => {
      const whole = all.reduce(foldChange, NO_CHANGES)
      let folded = NO_CHANGES
      for (const cut of [...cuts.toSorted((a, b) => a - b), all.length]) {
        folded = all.slice(Math.max(0, folded.revision - 2), cut).reduce(foldChange, folded)
      }
      expect(folded).toEqual(whole)
      expect(overlayAt(all, overlayOf(whole, []).revision)).toEqual(overlayOf(whole, []))
    }),
  )
})

test('what counted on an instance with changes of its own under way is made again from the journal, wherever they landed', () => {
  fc.assert(
    fc.property(events, fc.nat({ max: 25 }), fc.subarray([0, 1, 2, 3, 4, 5]), (drawn, known, own) => {
      // Its own changes came into the journal later, in their order; none was made with less in sight than the one before.
      const mine = new Set(own.map((offset) => known + offset))
      const all = drawn.map((event, index) => (mine.has(index) ? { ...event, after: known } : event))
      const folded = all.slice(0, known).reduce(foldChange, NO_CHANGES)
      const waiting = all.filter((_event, index) => mine.has(index))
      const there = overlayOf(folded, waiting.map(unstored))
      expect(overlayAt(all, there.revision)).toEqual(there)
    }),
    { numRuns: 2_000 },
  )
})

test('an event comes back from its row as it was', () => {
  fc.assert(
    fc.property(events, (all) => {
      for (const event of all) expect(eventOfEntry(entryOfEvent(event, event.revision))).toEqual(event)
    }),
  )
})

test('a revision whose events are not all there is not guessed', () => {
  expect(overlayAt([], '3')).toBeUndefined()
  expect(overlayAt([], '0+nobody')).toBeUndefined()
  expect(overlayAt([], '')).toEqual({ revision: '', weights: new Map() })
})

function unstored(event: ConfigEvent & { readonly revision?: number }): ConfigEvent {
  const { revision: _none, ...rest } = event
  return rest
}
