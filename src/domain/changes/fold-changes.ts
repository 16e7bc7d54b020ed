import { NO_OVERLAY, type Overlay, type RouteWeights } from '../routing/overlay.ts'
import type { RequestId } from '../units.ts'
import type { ConfigEvent, StoredEvent } from './config-event.ts'

/** All that the changes up to a revision come to: of each route the last one that counts. */
export type FoldedChanges = {
  /** 0 = none. */
  readonly revision: number
  /** Id of the event with that revision; '' without one. */
  readonly lastId: RequestId
  readonly latest: ReadonlyMap<string, StoredEvent>
}

export const NO_CHANGES: FoldedChanges = { revision: 0, lastId: '', latest: new Map() }

/** Folds in the next event. Events up to the revision that is reached already change nothing. */
export function foldChange(folded: FoldedChanges, event: StoredEvent): FoldedChanges {
  if (event.revision <= folded.revision) return folded
  const { route } = event.change
  const counts = isInTime(event, folded.latest.get(route))
  const latest = counts ? new Map([...folded.latest, [route, event] as const]) : folded.latest
  return { revision: event.revision, lastId: event.id, latest }
}

/**
 * The overlay that `folded` and then `waiting` come to. `waiting` are changes of this instance that have no revision yet;
 * they are in force here and nowhere else.
 */
export function overlayOf(folded: FoldedChanges, waiting: readonly ConfigEvent[]): Overlay {
  const latest = new Map<string, ConfigEvent | StoredEvent>(folded.latest)
  const fresh = new Map<string, readonly RequestId[]>()
  for (const event of waiting) {
    const { route } = event.change
    if (!isInTime(event, latest.get(route))) continue
    latest.set(route, event)
    // What is declared over must be there to be over.
    const before = event.change.kind === 'weights_superseded' ? (fresh.get(route) ?? []) : []
    fresh.set(route, [...before, event.id])
  }
  const weights = new Map<string, RouteWeights>()
  for (const [route, event] of latest) {
    const { change, actor, reason, at } = event
    if (change.kind !== 'weights_set') continue
    const { weights: live, pins, tasks, base } = change
    weights.set(route, { weights: live, pins, ...(tasks === undefined ? {} : { tasks }), base, actor, reason, at })
  }
  const ids = [...fresh.values()].flat()
  if (folded.revision === 0 && ids.length === 0) return NO_OVERLAY
  return { revision: [String(folded.revision), ...ids].join('+'), weights }
}

/**
 * The overlay of a revision as traces name it (`17`, `17+<id>+<id>`), made again from all events; undefined where one of
 * them is missing.
 */
export function overlayAt(events: readonly StoredEvent[], revision: string): Overlay | undefined {
  if (revision === '') return overlayOf(NO_CHANGES, [])
  const [number = '', ...ids] = revision.split('+')
  const folded = events.filter((event) => event.revision <= Number(number)).reduce(foldChange, NO_CHANGES)
  const waiting = ids.map((id) => events.find((event) => event.id === id))
  if (folded.revision !== Number(number) || !waiting.every((event) => event !== undefined)) return undefined
  return overlayOf(folded, waiting)
}

/**
 * Whether `event` may take the place of `current`. Not when it was made before and without knowing of it, as on an instance
 * that had lost sight of the store; and a change is declared over only while it is the one that counts.
 */
function isInTime(event: ConfigEvent, current: ConfigEvent | StoredEvent | undefined): boolean {
  if (event.change.kind === 'weights_superseded') return current?.id === event.change.of
  if (current === undefined || current.at <= event.at) return true
  return 'revision' in current && current.revision <= event.after
}
