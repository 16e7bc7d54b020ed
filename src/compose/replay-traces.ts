import { loadCatalogue } from '../catalogue/load-catalogue.ts'
import { formatFault } from '../config/fault.ts'
import type { Environment } from '../config/interpolate.ts'
import { parseConfig } from '../config/load.ts'
import { environmentWith } from '../config/variables.ts'
import type { StoredEvent } from '../domain/changes/config-event.ts'
import { overlayAt } from '../domain/changes/fold-changes.ts'
import { eventOfEntry } from '../domain/changes/journal-entry.ts'
import type { KnownModel } from '../domain/routing/eligible.ts'
import { replay } from '../domain/routing/replay.ts'
import { type Difference, replayDifferences } from '../domain/routing/replay-differences.ts'
import type { RoutingState } from '../domain/state.ts'
import { ENTRY_FIELDS, journalEntry } from './journal-rows.ts'
import { openRolloutStates, readRolloutEvents, type RolloutStates, type StoredRollout } from './replayed-rollouts.ts'
import { type Row, rowReader } from './row-reader.ts'

/** Rows of one reading SQL statement, by column name; at most 10,000. Rejects when there are none to be had. */
export type AskRows = (sql: string) => Promise<readonly Row[]>

export type ReplayOptions = {
  /** Traces that came in so recently. */
  readonly sinceMinutes: number
  /** The newest so many. */
  readonly limit: number
  /** For values of `${NAME}` in stored policies. */
  readonly environment: Environment
}

export type ReplayReport = {
  readonly agreed: number
  readonly differing: readonly { readonly traceId: string; readonly differences: readonly Difference[] }[]
  /** Traces that could not be decided again, by why. */
  readonly unreplayable: ReadonlyMap<string, number>
}

/** Small enough for an answer of the admin port. */
const PAGE_ROWS = 1_000

/** Decides stored traces again out of their rows, the policies and the live changes, and compares. */
export async function replayTraces(ask: AskRows, options: ReplayOptions): Promise<ReplayReport> {
  const knownModel = await loadCatalogue()
  const states = openStates(
    await readEvents(ask),
    openRolloutStates(await readRolloutEvents(ask)),
    await readPolicies(ask),
    options.environment,
  )
  const differing: { traceId: string; differences: readonly Difference[] }[] = []
  const unreplayable = new Map<string, number>()
  let agreed = 0
  for await (const row of traceRows(ask, options)) {
    const verdict = replayRow(row, states, knownModel)
    if (typeof verdict === 'string') unreplayable.set(verdict, (unreplayable.get(verdict) ?? 0) + 1)
    else if (verdict.length === 0) agreed += 1
    else differing.push({ traceId: rowReader(row).text('trace_id'), differences: verdict })
  }
  return { agreed, differing, unreplayable }
}

function replayRow(row: Row, states: States, knownModel: KnownModel): readonly Difference[] | string {
  const read = rowReader(row)
  const state = states(read.text('policy_version'), read.text('overlay_revision'), {
    name: read.text('rollout'),
    revision: Number(read.text('rollout_revision')),
    epoch: Number(read.text('rollout_epoch')),
    stage: read.text('rollout_stage'),
  })
  if (typeof state === 'string') return state
  const decision = replay(read.text('decision_inputs'), state, knownModel)
  if (decision === undefined) return 'its inputs cannot be read'
  return replayDifferences(
    {
      route: read.text('route'),
      rule: read.text('rule'),
      arm: read.text('arm'),
      refused: read.text('refused'),
      targets: read
        .rows('targets')
        .map((target) => ({ provider: target.text('provider'), model: target.text('model') })),
      rejected: read.rows('rejected').map((one) => ({ target: one.text('target'), why: one.text('why') })),
      reasons: read.texts('reasons'),
    },
    decision,
  )
}

/** Newest first, page by page; what comes in meanwhile is left out. */
async function* traceRows(ask: AskRows, { sinceMinutes, limit }: ReplayOptions): AsyncGenerator<Row> {
  const [first] = await ask('SELECT toString(max(received_at)) AS newest FROM traces')
  const newest = first === undefined ? '' : rowReader(first).text('newest')
  for (let offset = 0; offset < limit; offset += PAGE_ROWS) {
    const rows =
      await ask(`SELECT toString(trace_id) AS trace_id, policy_version, overlay_revision, decision_inputs, route,
        rule, arm, refused, targets, rejected, reasons, rollout, toString(rollout_revision) AS rollout_revision,
        toString(rollout_epoch) AS rollout_epoch, rollout_stage
      FROM traces WHERE decision_inputs != '' AND received_at <= toDateTime64('${newest}', 3, 'UTC')
        AND received_at >= now64(3) - toIntervalMinute(${sinceMinutes})
      ORDER BY received_at DESC, trace_id DESC LIMIT ${Math.min(PAGE_ROWS, limit - offset)} OFFSET ${offset}`)
    yield* rows
    if (rows.length < PAGE_ROWS) return
  }
}

type StoredPolicy = { readonly text: string; readonly variables: readonly string[] }
/** The state that decided, or why it cannot be made again. */
type States = (policyVersion: string, overlayRevision: string, rollout: StoredRollout) => RoutingState | string

function openStates(
  events: readonly StoredEvent[],
  rolloutStates: RolloutStates,
  policies: ReadonlyMap<string, StoredPolicy>,
  environment: Environment,
): States {
  const read = remembered((version: string) => {
    const stored = policies.get(version)
    if (stored === undefined) return `its policy ${version} is not stored`
    const result = parseConfig(stored.text, version, environmentWith(stored.variables, environment), '/')
    if ('config' in result) return result.config.policy
    return `its policy cannot be read here: ${result.faults.map(formatFault).join('; ').slice(0, 300)}`
  })
  const overlays = remembered((revision: string) => overlayAt(events, revision))
  return (policyVersion, overlayRevision, rollout) => {
    const policy = read(policyVersion)
    const overlay = overlays(overlayRevision)
    const rollouts = rolloutStates(rollout)
    if (typeof policy === 'string') return policy
    if (overlay === undefined) return `live changes of revision ${overlayRevision} are not stored`
    return typeof rollouts === 'string' ? rollouts : { policy, policyVersion, overlay, rollouts }
  }
}

function remembered<T>(make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>()
  return (key) => {
    const value = known.has(key) ? known.get(key) : undefined
    if (value !== undefined) return value
    const made = make(key)
    known.set(key, made)
    return made
  }
}

async function readPolicies(ask: AskRows): Promise<ReadonlyMap<string, StoredPolicy>> {
  const rows = await ask(
    'SELECT version, any(variables) AS variables, any(text) AS text FROM policy_versions GROUP BY version',
  )
  return new Map(
    rows
      .map(rowReader)
      .map((row) => [row.text('version'), { text: row.text('text'), variables: row.texts('variables') }]),
  )
}

/** Where evidence moves weights there are thousands a year, and with weights of many tasks one is up to 40 KB. */
const PAGE_EVENTS = 250

async function readEvents(ask: AskRows): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = []
  for (let last = '0'; ;) {
    const rows = await ask(
      `SELECT ${ENTRY_FIELDS} FROM config_changes WHERE name = 'policy' AND config_changes.revision > ${last}
      ORDER BY config_changes.revision LIMIT ${PAGE_EVENTS}`,
    )
    events.push(...rows.flatMap((row) => eventOfEntry(journalEntry(row)) ?? []))
    const [final] = rows.slice(-1)
    if (final === undefined || rows.length < PAGE_EVENTS) return events
    last = rowReader(final).text('revision')
  }
}
