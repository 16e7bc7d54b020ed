import { comparedShares } from '../domain/assign.ts'
import type { BadEventReading, JudgeReading, Readings, Signal, UnitReading } from '../domain/rollout/evidence.ts'
import { type LivePhase, sharesOf } from '../domain/rollout/phase.ts'
import type { Rollout } from '../domain/rollout/rollout.ts'
import { armSignals, type ArmMeans } from '../domain/rollout/signals.ts'
import type { PairCounts } from '../domain/statistics/paired-betting.ts'
import type { EpochMs } from '../domain/units.ts'
import { analysisOver, readAnalysis } from './analyses/read-analysis.ts'
import { identifier, type Json, type Query, type Read, type Select } from './client.ts'
import { type Columns, parseAs, type RowOf } from './columns.ts'

/** Which stage of which rollout is asked about. */
export type ReadingsWanted = {
  readonly rollout: Rollout
  readonly live: LivePhase
  readonly epoch: number
  readonly enteredAt: EpochMs
  readonly dealtAt: EpochMs
  /** Requests up to here are looked at. */
  readonly asOf: EpochMs
  /** How old a request must be for its score to be missing. */
  readonly watermarkMs: number
}

const DAY_MS = 86_400_000
/** Slow is what is slower than stable's p95 of the start by this factor. */
const SLOW_FACTOR = 1.25
const LEAST_FOR_SLOW = 100

type Params = Readonly<Record<string, Json>>
type Ask = <C extends Columns>(columns: C, sql: string, more?: Params) => Promise<readonly RowOf<C>[]>

/**
 * What ClickHouse holds of one stage of a rollout, read with `select`. The same questions of the same stage and time get
 * the same answers, but for rows that come late. Never rejects on an outage.
 */
export async function readRolloutReadings(
  select: Select,
  database: string,
  wanted: ReadingsWanted,
  signal: AbortSignal,
): Promise<Read<Readings>> {
  const { rollout, live, epoch, enteredAt, dealtAt, asOf, watermarkMs } = wanted
  const shares = sharesOf(live)
  const common: Params = {
    database,
    route: rollout.route,
    rollout: rollout.name,
    epoch,
    since: enteredAt,
    as_of: asOf,
    salt: rollout.salt,
    size: comparedShares(shares).candidate,
    tasks_apart: rollout.tasksApart,
    shadow: rollout.shadow,
    candidate_provider: rollout.candidate.provider,
    candidate_model: rollout.candidate.model ?? '',
    stable_provider: rollout.stable.provider,
    stable_model: rollout.stable.model ?? '',
    metric: rollout.metric,
    watermark_ms: watermarkMs,
    slow_ms: 0,
  }
  const ask: Ask = async (columns, sql, more = {}) => {
    const query: Query<RowOf<typeof columns>> = {
      name: 'rollout',
      sql: `${sql} ${FORMAT}`,
      params: { ...common, ...more },
      parse: parseAs(columns),
    }
    const read = await select(query, signal)
    if (read.kind === 'unavailable') throw new Unavailable(read.detail)
    return read.value
  }
  const isShadow = live.kind === 'shadow'
  try {
    const slowMs = isShadow ? 0 : await slowFrom(ask, rollout)
    const parts: Parts = {
      ask: (columns, sql, more) => ask(columns, sql, { slow_ms: slowMs, ...more }),
      calls: readAnalysis(isShadow ? 'rollout-shadow-calls' : 'rollout-calls'),
      scores: isShadow ? SHADOW_SCORES : liveScores(rollout.metric),
      isShadow,
      rollout,
    }
    // One after the other: a decision can wait, and clients' rows and people's queries should not.
    const quality = pairsByTask(await readQuality(parts))
    const success = pairsByTask(await readSuccess(parts))
    const badEvents = await readBadEvents(parts)
    const units = await readUnits(parts, { dealtAt, percent: Math.round(shares.candidate * 1e6) / 1e4 })
    const scores = await readScores(parts)
    const sameWithSame = await parts.ask(PAIRS, readAnalysis('shadow-pairs'), { is_control: true })
    return {
      kind: 'ok',
      value: {
        epoch,
        since: enteredAt,
        asOf,
        quality,
        success,
        badEvents,
        units,
        scores: scores.coverage,
        judge: {
          isTrusted: rollout.metric !== 'judge' || (await isJudgeTrusted(parts)),
          ...scores.verdicts,
          sameWithSame: sameWithSame.map(({ d, pairs }): PairCounts[number] => [d, pairs]),
        },
        signals: isShadow ? [] : await readSignals(parts),
      },
    }
  } catch (error) {
    if (error instanceof Unavailable) return { kind: 'unavailable', detail: error.message }
    throw error
  }
}

/** Ends a reading of several queries at the first that cannot be answered. */
class Unavailable extends Error {}

const FORMAT = 'SETTINGS output_format_json_quote_64bit_integers = 0, output_format_json_quote_denormals = 0'

type Parts = {
  readonly ask: Ask
  /** The stage's calls, as `rollout-calls` has them. */
  readonly calls: string
  /** The scores that count, by trace: `trace_id`, `scored_at`, `value` (NULL = failed), `version`. */
  readonly scores: string
  readonly isShadow: boolean
  readonly rollout: Rollout
}

const PAIRS = { task: 'text', d: 'number', pairs: 'number' } as const satisfies Columns

/** The answers of one metric, with the request's own score alone: not those of shadow calls. */
function liveScores(metric: string): string {
  const which =
    metric === 'judge'
      ? "source = 'judge' AND evaluator = 'judge'"
      : metric === 'feedback'
        ? "source IN ('application', 'human')"
        : "source = 'evaluator' AND evaluator = {metric:String}"
  return `SELECT trace_id, max(score.scored_at) AS scored_at, avg(score.value) AS value, any(score.version) AS version
    FROM {database:Identifier}.v_scores AS score
    WHERE ${which} AND attempt_id = toUUID('00000000-0000-0000-0000-000000000000')
      AND trace_at >= fromUnixTimestamp64Milli({since:Int64}) AND trace_at <= fromUnixTimestamp64Milli({as_of:Int64})
      AND score.scored_at <= fromUnixTimestamp64Milli({as_of:Int64})
    GROUP BY trace_id`
}

/** Of a shadow's pairs the difference itself stands for both answers' scores: it is there, or it is missing. */
const SHADOW_SCORES = `SELECT trace_id, max(paired_at) AS scored_at, avg(d) AS value, any(pair.version) AS version
  FROM {database:Identifier}.v_pairs AS pair
  WHERE comparison = {shadow:String} AND NOT is_control AND evaluator = {metric:String}
    AND candidate_provider = {candidate_provider:String} AND candidate_model = {candidate_model:String}
    AND trace_at >= fromUnixTimestamp64Milli({since:Int64}) AND paired_at <= fromUnixTimestamp64Milli({as_of:Int64})
  GROUP BY trace_id`

/** Milliseconds from which a call is slow, as stable was at the start of the stage; 0 where too few calls tell. */
async function slowFrom(ask: Ask, { badEvents }: Rollout): Promise<number> {
  if (!badEvents.includes('slow')) return 0
  // Its last calls before the stage, else its first ones in it: either way always the same ones.
  const [row] = await ask(
    { before: 'number', after: 'number', p95_before: 'optionalNumber', p95_after: 'optionalNumber' },
    `SELECT countIf(is_before) AS before, countIf(NOT is_before) AS after,
      if(before = 0, NULL, quantileExactIf(0.95)(duration_ms, is_before)) AS p95_before,
      if(after = 0, NULL, quantileExactIf(0.95)(duration_ms, NOT is_before)) AS p95_after
    FROM (
      SELECT duration_ms, started_at < fromUnixTimestamp64Milli({since:Int64}) AS is_before,
        row_number() OVER (PARTITION BY is_before
          ORDER BY if(is_before, -1, 1) * toUnixTimestamp64Milli(started_at), attempt_id) AS place
      FROM {database:Identifier}.attempts
      WHERE route = {route:String} AND provider = {stable_provider:String}
        AND ({stable_model:String} = '' OR model = {stable_model:String})
        AND role = 'primary' AND outcome = 'completed'
        AND started_at >= fromUnixTimestamp64Milli({since:Int64} - ${DAY_MS})
        AND started_at <= fromUnixTimestamp64Milli({as_of:Int64})
    )
    WHERE place <= if(is_before, 1000, ${LEAST_FOR_SLOW})`,
  )
  if (row === undefined) return 0
  if (row.before >= LEAST_FOR_SLOW) return SLOW_FACTOR * (row.p95_before ?? 0)
  return row.after >= LEAST_FOR_SLOW ? SLOW_FACTOR * (row.p95_after ?? 0) : 0
}

function readQuality({ ask, calls, scores, isShadow }: Parts): Promise<readonly RowOf<typeof PAIRS>[]> {
  if (isShadow) return ask(PAIRS, readAnalysis('shadow-pairs'), { is_control: false })
  return ask(
    PAIRS,
    analysisOver(
      'live-pairs',
      `SELECT call.trace_id AS trace_id, call.received_at AS received_at, score.scored_at AS scored_at, call.task AS task,
        call.unit AS unit, call.arm AS arm, score.value AS value
      FROM (${calls}) AS call INNER JOIN (${scores}) AS score ON score.trace_id = call.trace_id`,
    ),
  )
}

/** d = control's bad − candidate's bad: of 1 − bad each. Slow is harm, but no failure. */
function readSuccess({ ask, calls }: Parts): Promise<readonly RowOf<typeof PAIRS>[]> {
  return ask(
    PAIRS,
    analysisOver(
      'live-pairs',
      `SELECT trace_id, received_at, received_at AS scored_at, task, unit, arm,
        toNullable(if(empty(arrayFilter(event -> event != 'slow', bad_events)), 1., 0.)) AS value
      FROM (${calls})`,
    ),
    { watermark_ms: 0 },
  )
}

async function readBadEvents({ ask, calls, rollout }: Parts): Promise<readonly BadEventReading[]> {
  const rows = await ask({ event: 'text', task: 'text', windows: 'lists' }, analysisOver('bad-events', calls), {
    events: rollout.badEvents,
    tolerated: 1.25,
  })
  return rows.flatMap(({ event: named, task, windows }) => {
    const event = rollout.badEvents.find((each) => each === named)
    if (event === undefined) return []
    return [
      {
        event,
        task,
        windows: windows.map(([candidate = 0, control = 0, badCandidate = 0, badControl = 0]) => ({
          candidate,
          control,
          badCandidate,
          badControl,
        })),
      },
    ]
  })
}

/** Whoever was seen on the route in the day before was dealt by another share, or is in the middle of something. */
async function readUnits(
  { ask }: Parts,
  { dealtAt, percent }: { readonly dealtAt: EpochMs; readonly percent: number },
): Promise<UnitReading> {
  const [row] = await ask(
    { candidate: 'number', control: 'number', neither: 'number', in_both: 'number' },
    `SELECT
      countIf(is_new AND first_arm = 'candidate') AS candidate,
      countIf(is_new AND first_arm = 'control') AS control,
      countIf(is_new AND first_arm NOT IN ('candidate', 'control')) AS neither,
      countIf(has(arms, 'candidate') AND has(arms, 'control')) AS in_both
    FROM (
      SELECT
        min(received_at) AS first_at,
        argMin(arm, (received_at, trace_id)) AS first_arm,
        argMin(is_of_share, (received_at, trace_id)) AND first_at >= fromUnixTimestamp64Milli({dealt_at:Int64}) AS is_new,
        groupUniqArrayIf(arm, is_of_stage) AS arms
      FROM (
        SELECT received_at, trace_id, arm, if(unit_source = 'none' OR traces.unit = '', toString(trace_id), traces.unit) AS own,
          rollout = {rollout:String} AND rollout_epoch = {epoch:UInt32}
            AND received_at >= fromUnixTimestamp64Milli({since:Int64}) AS is_of_stage,
          is_of_stage AND abs(rollout_step - {percent:Float64}) < 0.0001 AS is_of_share
        FROM {database:Identifier}.traces
        WHERE route = {route:String}
          AND received_at >= least(fromUnixTimestamp64Milli({dealt_at:Int64} - ${DAY_MS}), fromUnixTimestamp64Milli({since:Int64}))
          AND received_at <= fromUnixTimestamp64Milli({as_of:Int64})
      )
      GROUP BY own
    )`,
    { dealt_at: dealtAt, percent },
  )
  return {
    since: dealtAt,
    candidate: row?.candidate ?? 0,
    control: row?.control ?? 0,
    neither: row?.neither ?? 0,
    inBoth: row?.in_both ?? 0,
  }
}

const ARM_SCORES = {
  arm: 'text',
  expected: 'number',
  scored: 'number',
  asked: 'number',
  failed: 'number',
} as const satisfies Columns

type ScoreReadings = {
  readonly coverage: Readings['scores']
  readonly verdicts: Pick<JudgeReading, 'asked' | 'failed'>
}

/**
 * Of the answers in the sample (by the draw that decides it) those whose score is due, and those that have one. What an
 * application or a person says is nobody's duty, so nothing of it is expected.
 */
async function readScores({ ask, calls, scores, rollout }: Parts): Promise<ScoreReadings> {
  const rows = await ask(
    ARM_SCORES,
    `SELECT arm,
      countIf(is_due) AS expected,
      countIf(is_due AND isNotNull(value)) AS scored,
      countIf(is_asked) AS asked,
      countIf(is_asked AND isNull(value)) AS failed
    FROM (
      SELECT call.arm AS arm, score.value AS value, score.trace_id = call.trace_id AS is_asked,
        reinterpretAsUInt32(reverse(substring(SHA256(concat('judge:', toString(call.trace_id))), 1, 4))) / 4294967296 AS draw,
        call.is_answered AND draw < {scored_share:Float64}
          AND call.received_at <= fromUnixTimestamp64Milli({as_of:Int64} - {watermark_ms:UInt32}) AS is_due
      FROM (${calls}) AS call LEFT JOIN (${scores}) AS score ON score.trace_id = call.trace_id
    )
    GROUP BY arm`,
    { scored_share: rollout.metric === 'feedback' ? 0 : rollout.scoredShare },
  )
  const of = (arm: string): RowOf<typeof ARM_SCORES> =>
    rows.find((row) => row.arm === arm) ?? { arm, expected: 0, scored: 0, asked: 0, failed: 0 }
  const [candidate, control] = [of('candidate'), of('control')]
  const isJudged = rollout.metric === 'judge'
  return {
    coverage: {
      candidate: { expected: candidate.expected, scored: candidate.scored },
      control: { expected: control.expected, scored: control.scored },
    },
    verdicts: {
      asked: { candidate: isJudged ? candidate.asked : 0, control: isJudged ? control.asked : 0 },
      failed: { candidate: isJudged ? candidate.failed : 0, control: isJudged ? control.failed : 0 },
    },
  }
}

/** Whether people agree with the judge of this stage, whichever of its prompts they were shown. */
async function isJudgeTrusted({ ask, scores, rollout }: Parts): Promise<boolean> {
  const own = (version: string): string => `replaceRegexpOne(${version}, '/[^/]+/([0-9a-f]{8})$', '/\\\\1')`
  const rows = await ask(
    { task: 'text', is_trusted: 'number' },
    `SELECT task, toUInt8(max(trust.is_trusted)) AS is_trusted
    FROM {database:Identifier}.v_judge_trust AS trust
    WHERE ${own('trust.judge_version')} IN (SELECT ${own('version')} FROM (${scores}))
    GROUP BY task`,
  )
  const trusted = new Set(rows.filter(({ is_trusted }) => is_trusted === 1).map(({ task }) => task))
  return trusted.has('') || (rollout.tasksApart.length > 0 && rollout.tasksApart.every((task) => trusted.has(task)))
}

const ARM_MEANS = {
  arm: 'text',
  calls: 'number',
  cost: 'optionalNumber',
  first_token_ms: 'optionalNumber',
  output_tokens: 'optionalNumber',
} as const satisfies Columns

async function readSignals({ ask, calls }: Parts): Promise<readonly Signal[]> {
  const rows = await ask(
    ARM_MEANS,
    `SELECT arm, count() AS calls,
      if(countIf(isNotNull(cost_usd)) = 0, NULL, toFloat64(avg(cost_usd))) AS cost,
      if(countIf(isNotNull(stage.first_token_ms)) = 0, NULL, quantileExact(0.5)(assumeNotNull(stage.first_token_ms))) AS first_token_ms,
      if(countIf(isNotNull(stage.output_tokens)) = 0, NULL, toFloat64(avg(stage.output_tokens))) AS output_tokens
    FROM (${calls}) AS stage WHERE is_answered GROUP BY arm`,
  )
  const of = (arm: string): ArmMeans | undefined => {
    const row = rows.find((each) => each.arm === arm)
    if (row === undefined) return undefined
    return {
      calls: row.calls,
      costUsd: row.cost ?? undefined,
      firstTokenMs: row.first_token_ms ?? undefined,
      outputTokens: row.output_tokens ?? undefined,
    }
  }
  return armSignals(of('candidate'), of('control'))
}

function pairsByTask(rows: readonly RowOf<typeof PAIRS>[]) {
  const byTask = new Map<string, PairCounts[number][]>()
  for (const { task, d, pairs } of rows) {
    const known = byTask.get(task) ?? []
    known.push([d, pairs])
    byTask.set(task, known)
  }
  return [...byTask].map(([task, pairs]) => ({ task, pairs }))
}

/** Traffic of a route in the last `days`, as `estimate` needs it. */
export type RouteTraffic = {
  readonly requests: number
  readonly units: number
  readonly hasUnits: boolean
  readonly failed: number
  /** Of how many hours there is traffic: fewer than asked for on a young deployment. */
  readonly hours: number
}

export function routeTrafficQuery(database: string, route: string, days: number): Query<RouteTraffic> {
  const parse = parseAs({ requests: 'number', units: 'number', keyed: 'number', failed: 'number', hours: 'number' })
  return {
    name: 'route_traffic',
    sql: `SELECT count() AS requests, uniqExact(if(unit = '', toString(trace_id), unit)) AS units,
        countIf(unit_source NOT IN ('', 'none')) AS keyed,
        countIf(outcome NOT IN ('completed', 'cancelled')) AS failed,
        greatest(1, dateDiff('hour', min(received_at), now64(3))) AS hours
      FROM ${identifier(database)}.traces
      WHERE route = {route:String} AND received_at >= now64(3) - toIntervalDay({days:UInt32}) ${FORMAT}`,
    params: { route, days },
    parse: (row) => {
      const { requests, units, keyed, failed, hours } = parse(row)
      return { requests, units, hasUnits: keyed * 2 >= requests, failed, hours }
    },
  }
}
