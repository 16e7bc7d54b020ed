import { armOf, armShares, comparedShares, unitShare } from '../../src/domain/assign.ts'
import type { Rollout } from '../../src/domain/rollout/rollout.ts'
import type { EpochMs } from '../../src/domain/units.ts'
import type { StoreClient } from '../../src/store/client.ts'
import { namedRows } from '../../src/store/named-rows.ts'
import { type Field, mapField } from '../../src/store/row-fields.ts'
import { MINUTE_MS } from './a-rollout.ts'
import { anId } from './ids-at.ts'

/** One request of a rollout, and what became of it. */
type Seen = {
  readonly unit: string
  /** Minutes after the start of the stage. */
  readonly at: number
  readonly events?: readonly string[]
  readonly score?: number | null
  /** Of this evaluator instead of the judge. */
  readonly evaluator?: string
  /** Minutes after the request. */
  readonly scoredAfter?: number
  readonly ms?: number
  readonly epoch?: number
  readonly task?: string
  readonly source?: string
  /** Its arm's model was out, and stable answered. */
  readonly isPassedOver?: boolean
  /** The arm that its conversation began with. */
  readonly pinned?: 'candidate' | 'control'
  /** It is a question of an audit. */
  readonly isAudit?: boolean
}

let count = 0

/** Stores the rows of requests of `rollout` at `percent`, as the request path writes them. */
export async function storeRequests(
  client: StoreClient,
  { rollout, percent, startedAt }: { readonly rollout: Rollout; readonly percent: number; readonly startedAt: EpochMs },
  seen: readonly Seen[],
): Promise<void> {
  const shares = armShares(percent, false)
  const traces: unknown[][] = []
  const attempts: unknown[][] = []
  const scores: unknown[][] = []
  for (const {
    unit,
    at,
    events = [],
    score,
    evaluator,
    scoredAfter = 1,
    ms = 100,
    epoch = 1,
    task = 'chat',
    source = 'session',
    isPassedOver = false,
    isAudit = false,
    pinned,
  } of seen) {
    const receivedAt = startedAt + at * MINUTE_MS
    const id = anId(receivedAt, (count += 1))
    const dealt = pinned ?? armOf(unitShare(rollout.salt, unit), shares)
    const arm = dealt === 'none' ? 'stable' : dealt
    const target = arm === 'candidate' && !isPassedOver ? rollout.candidate : rollout.stable
    traces.push([
      id,
      receivedAt,
      rollout.route,
      arm,
      unit,
      source,
      task,
      rollout.name,
      epoch,
      percent,
      armOf(unitShare(rollout.salt, unit), comparedShares(shares)) === dealt,
      events,
      'completed',
      200,
      'chat_completions',
      isAudit ? { audit: 'golden' } : {},
    ])
    attempts.push([
      anId(receivedAt, (count += 1)),
      id,
      0,
      receivedAt,
      'primary',
      target.provider,
      target.model ?? '',
      rollout.route,
      arm,
      'completed',
      ms,
      10,
    ])
    const scoreOf = (from: string, name: string, value: number | null): unknown[] => [
      id,
      receivedAt,
      receivedAt + scoredAfter * MINUTE_MS,
      from,
      name,
      'j/1/00000000',
      String(receivedAt),
      value,
      value === null ? 'timeout' : '',
    ]
    if (evaluator !== undefined) scores.push(scoreOf('evaluator', 'answered', 1))
    if (score !== undefined) {
      scores.push(scoreOf(evaluator === undefined ? 'judge' : 'evaluator', evaluator ?? 'judge', score))
    }
  }
  const insert = async (table: string, columns: readonly string[], rows: readonly unknown[][]): Promise<void> => {
    if (rows.length === 0) return
    await client.insertRows(
      table,
      namedRows(columns, ...rows.map((row) => row.map(fieldOf))),
      `${table}/${(count += 1)}`,
    )
  }
  await insert(
    'traces',
    [
      'trace_id',
      'received_at',
      'route',
      'arm',
      'unit',
      'unit_source',
      'task',
      'rollout',
      'rollout_epoch',
      'rollout_step',
      'is_compared',
      'arm_events',
      'outcome',
      'status',
      'api',
      'tags',
    ],
    traces,
  )
  await insert(
    'attempts',
    [
      'attempt_id',
      'trace_id',
      'position',
      'started_at',
      'role',
      'provider',
      'model',
      'route',
      'arm',
      'outcome',
      'duration_ms',
      'first_token_ms',
    ],
    attempts,
  )
  await insert(
    'scores',
    ['trace_id', 'trace_at', 'scored_at', 'source', 'evaluator', 'version', 'revision', 'value', 'failure'],
    scores,
  )
}

function fieldOf(value: unknown): Field {
  if (Array.isArray(value)) return value.map(String)
  if (typeof value === 'object' && value !== null) return mapField(Object.fromEntries(Object.entries(value)))
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' ? value : null
}

/** The first `count` units of an arm at `percent`. */
export function unitsOf(
  rollout: Rollout,
  percent: number,
  arm: 'candidate' | 'control',
  many: number,
): readonly string[] {
  const units: string[] = []
  for (let n = 0; units.length < many; n++) {
    const unit = `${arm}-${n}`
    if (armOf(unitShare(rollout.salt, unit), comparedShares(armShares(percent, false))) === arm) units.push(unit)
  }
  return units
}
