import type { RoutingState } from '../state.ts'
import type { RequestId } from '../units.ts'
import { routeStanding } from './change-weights.ts'
import type { ConfigEvent } from './config-event.ts'
import { foldChange, type FoldedChanges } from './fold-changes.ts'

/** Of each route the last change, `waiting` ones included; whether it counts is told by `standingIds`. */
export function lastChanges(folded: FoldedChanges, waiting: readonly ConfigEvent[]): ReadonlyMap<string, ConfigEvent> {
  const from = folded.revision + 1
  return waiting.reduce((sum, event, index) => foldChange(sum, { ...event, revision: from + index }), folded).latest
}

/** Ids of those of `changes` that count under `state`: the file still says what it said when they were made. */
export function standingIds(state: RoutingState, changes: ReadonlyMap<string, ConfigEvent>): ReadonlySet<RequestId> {
  const standing = [...changes.values()].filter(({ change }) => {
    if (change.kind !== 'weights_set') return false
    const found = routeStanding(state.policy, state.overlay, change.route)
    return 'areLive' in found && found.areLive
  })
  return new Set(standing.map(({ id }) => id))
}
