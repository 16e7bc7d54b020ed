import type { ChangeAnswer, ChangeRequest } from '../domain/changes/change-request.ts'
import type { ConfigEvent } from '../domain/changes/config-event.ts'
import type { JournalEntry } from '../domain/changes/journal-entry.ts'
import type { ByTask } from '../domain/feedback/decide-weights.ts'
import type { Readings } from '../domain/feedback/readings.ts'
import type { FeedbackRule } from '../domain/feedback/rule.ts'
import type { EpochMs, RequestId } from '../domain/units.ts'

type Read<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'unavailable'; readonly detail: string }

/** What is asked about one route. */
export type ReadingsWanted = {
  readonly route: string
  readonly asOf: EpochMs
  readonly rule: FeedbackRule
  readonly reference: { readonly provider: string; readonly model: string } | undefined
  readonly changedAt: ByTask<EpochMs>
  readonly quarantined: ByTask<ByTask<EpochMs>>
}

/** What the loop asks of the store. Nothing here rejects on an outage. */
export type FeedbackStore = {
  readonly asDecider: (
    holder: RequestId,
    work: (signal: AbortSignal) => Promise<void>,
  ) => Promise<Read<'done' | 'busy'>>
  readonly readings: (wanted: ReadingsWanted, signal: AbortSignal) => Promise<Read<Readings>>
  readonly last: (
    route: string,
    signal: AbortSignal,
  ) => Promise<Read<Pick<JournalEntry, 'id' | 'revision' | 'kind' | 'after' | 'details'> | undefined>>
  /** Offers the entry for its revision; of several the first is kept. */
  readonly record: (
    entry: JournalEntry,
  ) => Promise<{ readonly kind: 'sent' } | { readonly kind: 'unavailable'; readonly detail: string }>
}

/** The one way to change weights, an operator's and the loop's alike. */
export type ChangeWeights = {
  readonly change: (request: ChangeRequest) => Promise<ChangeAnswer>
  readonly lastChange: (route: string) => ConfigEvent | undefined
}
