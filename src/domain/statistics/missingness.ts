import { chiSquareTail } from './gamma.ts'

/** Items that should have a score by now, and how many have. */
export type Coverage = { readonly expected: number; readonly scored: number }

/** Share of the expected that is scored; undefined where nothing was expected. */
export function coverageOf(arms: readonly Coverage[]): number | undefined {
  const expected = arms.reduce((sum, arm) => sum + arm.expected, 0)
  if (expected === 0) return undefined
  return arms.reduce((sum, arm) => sum + arm.scored, 0) / expected
}

/**
 * p of the χ² test that scores are missing equally often in both arms (2 × 2, one degree of freedom); 1 where there is
 * nothing to compare. Scores that go missing in one arm only can turn any comparison.
 */
export function missingByArm(candidate: Coverage, control: Coverage): number {
  const total = candidate.expected + control.expected
  const missing = total - candidate.scored - control.scored
  if (candidate.expected === 0 || control.expected === 0 || missing === 0 || missing === total) return 1
  const share = missing / total
  let statistic = 0
  for (const arm of [candidate, control]) {
    const surplus = arm.expected - arm.scored - arm.expected * share
    statistic += surplus ** 2 / (arm.expected * share * (1 - share))
  }
  return chiSquareTail(statistic, 1)
}
