import type { TaskWeights } from '../routing/overlay.ts'
import type { EpochMs, RequestId } from '../units.ts'
import type { ConfigChange, ConfigEvent, StoredEvent, WeightsInPlace } from './config-event.ts'

/** Tables of what was decided; see config/clickhouse/030_journals.sql. */
export const JOURNAL_TABLES = ['config_changes', 'rollout_events', 'weight_decisions'] as const
export type JournalTable = (typeof JOURNAL_TABLES)[number]

/** One row of any of them. `before`, `after` and `details` are JSON. */
export type JournalEntry = {
  /** Revisions count within a name. */
  readonly name: string
  readonly revision: number
  readonly id: RequestId
  readonly at: EpochMs
  readonly instance: string
  readonly actor: string
  readonly reason: string
  readonly policyVersion: string
  readonly kind: string
  readonly subject: string
  readonly before: string
  readonly after: string
  readonly details: string
}

/** All changes of the policy are one sequence, so that one revision tells them all. */
export const POLICY_JOURNAL = 'policy'

export function entryOfEvent({ change, after, before, now, ...event }: ConfigEvent, revision: number): JournalEntry {
  const base = change.kind === 'weights_set' ? change.base : undefined
  const of = change.kind === 'weights_superseded' ? change.of : undefined
  return {
    name: POLICY_JOURNAL,
    revision,
    ...event,
    kind: change.kind,
    subject: change.route,
    before: JSON.stringify(before),
    after: JSON.stringify(now),
    details: JSON.stringify({ after, base, of }),
  }
}

/** The event that `entryOfEvent` wrote; undefined for one of a kind that this version does not know. */
export function eventOfEntry(entry: JournalEntry): StoredEvent | undefined {
  const { id, at, instance, actor, reason, policyVersion, revision } = entry
  const details = parse(entry.details)
  const before = placeOf(parse(entry.before))
  const now = placeOf(parse(entry.after))
  if (!isRecord(details) || typeof details['after'] !== 'number') return undefined
  if (before === undefined || now === undefined) return undefined
  const change = changeOf(entry, now, details)
  if (change === undefined) return undefined
  const { after } = details
  return { id, at, instance, actor, reason, policyVersion, revision, after, before, now, change }
}

function changeOf(
  { kind, subject: route }: JournalEntry,
  now: WeightsInPlace,
  details: Readonly<Record<string, unknown>>,
): ConfigChange | undefined {
  switch (kind) {
    case 'weights_set': {
      const base = weightsOf(details['base'])
      return base === undefined ? undefined : { kind, route, base, ...now }
    }
    case 'weights_reset':
      return { kind, route }
    case 'weights_superseded':
      return typeof details['of'] === 'string' ? { kind, route, of: details['of'] } : undefined
    default:
      return undefined
  }
}

function placeOf(value: unknown): WeightsInPlace | undefined {
  if (!isRecord(value) || !Array.isArray(value['pins'])) return undefined
  const weights = weightsOf(value['weights'])
  const tasks = value['tasks'] === undefined ? undefined : tasksOf(value['tasks'])
  if (weights === undefined || tasks === 'unreadable') return undefined
  const pins = value['pins'].filter((pin: unknown) => typeof pin === 'string')
  return { weights, pins, ...(tasks === undefined ? {} : { tasks }) }
}

function tasksOf(value: unknown): TaskWeights | 'unreadable' {
  if (!isRecord(value)) return 'unreadable'
  const entries = Object.entries(value).flatMap(([task, weights]) => {
    const read = weightsOf(weights)
    return read === undefined ? [] : [[task, read] as const]
  })
  return entries.length === Object.keys(value).length ? Object.fromEntries(entries) : 'unreadable'
}

function weightsOf(value: unknown): Readonly<Record<string, number>> | undefined {
  if (!isRecord(value)) return undefined
  const entries = Object.entries(value).flatMap(([key, weight]) =>
    typeof weight === 'number' ? [[key, weight] as const] : [],
  )
  return entries.length === Object.keys(value).length ? Object.fromEntries(entries) : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
