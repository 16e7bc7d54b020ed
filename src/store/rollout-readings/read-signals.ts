import type { Signal } from '../../domain/rollout/evidence.ts'
import { type ArmMeans, armSignals } from '../../domain/rollout/signals.ts'
import type { Columns } from '../columns.ts'
import type { Stage } from './stage.ts'

const ARM_MEANS = {
  arm: 'text',
  calls: 'number',
  cost: 'optionalNumber',
  first_token_ms: 'optionalNumber',
  output_tokens: 'optionalNumber',
} as const satisfies Columns

/** Cost, first token and length of both arms, as means of their answered calls. */
export async function readSignals({ ask, calls }: Stage): Promise<readonly Signal[]> {
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
