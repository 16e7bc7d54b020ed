import type { Calibration } from './calibration.ts'

/** From when on rollouts take a judge's word: the two conditions of `is_trusted` in `v_judge_trust`. */
export const LEAST_TRUSTED = { kappa: 0.6, judged: 150 } as const

/** What a judge lacks to be trusted by rollouts, in words; undefined where it lacks nothing. */
export function lackOfTrust({ kappa, pairs, failed }: Calibration): string | undefined {
  const judged = pairs - failed
  const lacks = [
    ...(judged < LEAST_TRUSTED.judged ? [`${judged} judged pairs of at least ${LEAST_TRUSTED.judged}`] : []),
    ...(kappa === undefined ? ['a κ that cannot be told from these labels'] : []),
    ...(kappa !== undefined && kappa < LEAST_TRUSTED.kappa
      ? [`κ ${kappa.toFixed(3)} of at least ${LEAST_TRUSTED.kappa}`]
      : []),
  ]
  return lacks.length === 0 ? undefined : lacks.join(', ')
}
