import { readFileSync } from 'node:fs'
import type { EventWindow } from '../../src/domain/statistics/rate-ratio.ts'

type Numbers = readonly number[]
type Window = readonly [candidate: number, control: number, badCandidate: number, badControl: number]

type Fixture = {
  readonly lambdaGrid: Numbers
  readonly rateRatioGrid: Numbers
  readonly pairedBetting: readonly {
    readonly counts: readonly (readonly [number, number])[]
    readonly n: number
    readonly mean: number
    readonly var: number
    readonly logE_promote: Readonly<Record<string, number>>
    readonly logE_rollback: Readonly<Record<string, number>>
    readonly lcb_a05: number
    readonly ucb_a0125: number
  }[]
  readonly minPairsAllZeroToPromote: Readonly<Record<string, number>>
  readonly minPairsToRollback_ln80_dr015: Readonly<Record<string, number>>
  readonly badEventEprocess: readonly {
    readonly windows: readonly Window[]
    readonly logE_r0_1?: number
    readonly 'logE_r0_1.25': number
  }[]
  readonly srm: readonly {
    readonly obs: Numbers
    readonly w: Numbers | '1/3'
    readonly chi2: number
    readonly p: number
    readonly seqLogE: number
  }[]
  readonly bucketSha256: Readonly<Record<string, string | number>>
  readonly hrw: { readonly salt: string; readonly weights: Readonly<Record<string, number>> }
  readonly pBest: { readonly mu: Numbers; readonly sd: Numbers; readonly p: Numbers; readonly withFloor05: Numbers }
  readonly boundedStep: {
    readonly cur: Numbers
    readonly target: Numbers
    readonly step: number
    readonly next: Numbers
    readonly bp: Numbers
  }
  readonly kappa3x3: { readonly table: readonly Numbers[]; readonly kappa: number; readonly linearWeighted: number }
}

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/rollout-statistics.json', import.meta.url), 'utf8'),
) as Fixture

/** Values of the formulas of rollout decisions, computed twice and independently of this code. */
export const REFERENCE = {
  ...fixture,
  badEventEprocess: fixture.badEventEprocess.map((entry) => ({ ...entry, windows: entry.windows.map(windowOf) })),
}

function windowOf([candidate, control, badCandidate, badControl]: Window): EventWindow {
  return { candidate, control, badCandidate, badControl }
}
