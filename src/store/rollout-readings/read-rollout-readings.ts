import { comparedShares } from '../../domain/assign.ts'
import type { Readings } from '../../domain/rollout/evidence.ts'
import { type LivePhase, sharesOf } from '../../domain/rollout/phase.ts'
import type { Rollout } from '../../domain/rollout/rollout.ts'
import type { EpochMs } from '../../domain/units.ts'
import { readAnalysis } from '../analyses/read-analysis.ts'
import type { Query, Read, Select } from '../client.ts'
import { parseAs, type RowOf } from '../columns.ts'
import { isJudgeTrusted } from './is-judge-trusted.ts'
import { oneUnitOf } from './one-unit-of.ts'
import { readApplied } from './read-applied.ts'
import { readBadEvents } from './read-bad-events.ts'
import { readLength } from './read-length.ts'
import { readQuality, readSameWithSame, readSuccess } from './read-pairs.ts'
import { liveScores, readAnswers, readScores, SHADOW_SCORES } from './read-scores.ts'
import { readSignals } from './read-signals.ts'
import { readUnits } from './read-units.ts'
import { slowFrom } from './slow-from.ts'
import { type AskStage, FORMAT, type Params, type Stage, Unavailable } from './stage.ts'

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
  const ask: AskStage = async (columns, sql, more = {}) => {
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
    const { candidate, control } = comparedShares(shares)
    const oneOf = isShadow ? { compared: 1, counted: 1 } : await oneUnitOf(ask, candidate + control)
    const stage: Stage = {
      ask: (columns, sql, more) => ask(columns, sql, { slow_ms: slowMs, one_of: oneOf.compared, ...more }),
      calls: readAnalysis(isShadow ? 'rollout-shadow-calls' : 'rollout-calls'),
      scores: isShadow ? SHADOW_SCORES : liveScores(rollout.metric),
      answersRead: readAnswers(rollout.metric, isShadow),
      isShadow,
      rollout,
    }
    // One after the other: a decision can wait, and clients' rows and people's queries should not.
    const quality = await readQuality(stage)
    const success = await readSuccess(stage)
    const badEvents = await readBadEvents(stage)
    const units = await readUnits(stage, {
      dealtAt,
      percent: Math.round(shares.candidate * 1e6) / 1e4,
      oneOf: oneOf.counted,
    })
    const scores = await readScores(stage)
    const applied = await readApplied(stage)
    const sameWithSame = await readSameWithSame(stage)
    const length = await readLength(stage)
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
        ...(applied === undefined ? {} : { applied }),
        judge: {
          isTrusted: rollout.metric !== 'judge' || (await isJudgeTrusted(stage)),
          ...scores.verdicts,
          sameWithSame,
          length,
        },
        signals: isShadow ? [] : await readSignals(stage),
      },
    }
  } catch (error) {
    if (error instanceof Unavailable) return { kind: 'unavailable', detail: error.message }
    throw error
  }
}
