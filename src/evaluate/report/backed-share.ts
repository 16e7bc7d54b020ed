import type { SkipReason } from '../../domain/shadow/shadow.ts'

/** One place of a shadow's funnel, and how many requests came there. */
export type FunnelRow = { readonly stage: string; readonly reason: string; readonly requests: number }

/** Skipped for what they are, before a sample is drawn. */
export const LEFT_OUT_BEFORE: ReadonlySet<string> = new Set<SkipReason>([
  'header_off',
  'unsupported_api',
  'streaming_off',
  'not_called',
])
/** Drawn by nothing they are: what is mirrored speaks for them. */
export const NOT_DRAWN: ReadonlySet<string> = new Set<SkipReason>(['not_sampled', 'client_disconnected'])
/** Skipped for what they are, of those drawn. Who meets a full queue or an empty budget is no other than who does not. */
export const LEFT_OUT_AFTER: ReadonlySet<string> = new Set<SkipReason>([
  'too_large',
  'no_content',
  'unreadable',
  'batch',
  'hosted_tools',
  'stored_conversation',
  'files',
  'not_first_assistant_turn',
  'unknown_provider',
  'no_key',
  'provider_not_allowed',
  'no_alternative',
  'not_redactable',
  'unpriced',
])

/**
 * Share of a shadow's eligible requests that its verdicts can speak for, in [0, 1]: those of a kind that is mirrored at
 * all, times the share of compared pairs that have a verdict. A random sample speaks for what it is drawn from.
 */
export function backedShare(funnel: readonly FunnelRow[], verdictShare: number): number {
  const count = (holds: (row: FunnelRow) => boolean): number =>
    funnel.reduce((sum, row) => sum + (holds(row) ? row.requests : 0), 0)
  const skipped = (reasons: ReadonlySet<string>): number =>
    count(({ stage, reason }) => stage === 'skipped' && reasons.has(reason))
  const eligible = count(({ stage }) => stage === 'eligible')
  if (eligible === 0) return verdictShare
  const before = skipped(LEFT_OUT_BEFORE)
  const drawn = eligible - before - skipped(NOT_DRAWN)
  const mirrorable = drawn === 0 ? 0 : 1 - skipped(LEFT_OUT_AFTER) / drawn
  return Math.max(0, Math.min(1, (1 - before / eligible) * mirrorable * verdictShare))
}
