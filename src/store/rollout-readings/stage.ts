import type { Rollout } from '../../domain/rollout/rollout.ts'
import type { Json } from '../client.ts'
import type { Columns, RowOf } from '../columns.ts'

export type Params = Readonly<Record<string, Json>>

/** Asks one question about a stage; throws `Unavailable` where it cannot be answered. */
export type AskStage = <C extends Columns>(columns: C, sql: string, more?: Params) => Promise<readonly RowOf<C>[]>

/** What all questions about one stage of a rollout share. */
export type Stage = {
  readonly ask: AskStage
  /** The stage's calls, as `rollout-calls` has them. */
  readonly calls: string
  /** The scores that count, by trace: `trace_id`, `scored_at`, `value` (NULL = failed), `version`. */
  readonly scores: string
  /** See `readAnswers`: `trace_id`; undefined where the metric applies to every answer. */
  readonly answersRead: string | undefined
  readonly isShadow: boolean
  readonly rollout: Rollout
}

/** Ends a reading of several queries at the first that cannot be answered. */
export class Unavailable extends Error {}

/** What does not fit into a reader's memory goes by way of the disk: a decision may take seconds, but it must be made. */
const SPILLS =
  "join_algorithm = 'full_sorting_merge', max_bytes_before_external_sort = 100000000, max_bytes_before_external_group_by = 100000000"

export const FORMAT = `SETTINGS output_format_json_quote_64bit_integers = 0, output_format_json_quote_denormals = 0, ${SPILLS}`
