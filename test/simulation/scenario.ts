import { PACES } from '../../src/domain/rollout/pace.ts'
import type { Plan } from '../../src/domain/rollout/rollout.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** A candidate, its traffic, and what goes wrong with measuring it. */
export type Scenario = {
  readonly name: string
  readonly plan: Plan
  readonly requestsPerHour: number
  /** Requests per unit, on average (geometric); 1 = each request is a unit of its own. */
  readonly requestsPerUnit: number
  /** Correlation of two scores of the same unit. */
  readonly clustering: number
  /** Whether one item per unit and stage counts, as the product does it, or every request. */
  readonly countsUnits: boolean
  readonly scoredShare: number
  /** By how much the candidate's mean score is lower; negative where it is better. */
  readonly worseBy: number
  readonly stableErrors: number
  readonly candidateErrors: number
  readonly slowShare: number
  readonly candidateSlowShare: number
  /** Mean of how late a score comes; the watermark is five minutes. */
  readonly scoreDelayMs: number
  readonly missingShare: number
  /** Both models get worse and better with the hour: amplitude of the swing of scores, and of errors as a factor. */
  readonly drift: number
  /** The run ends here, decided or not. */
  readonly horizonMs: number
}

/** Live only: what the published table is about. */
export const LIVE: Plan = { ...PACES.normal, shadow: undefined }

/** As `LIVE` with half an hour's dwell everywhere: as fast as the evidence alone allows. */
export const UNHURRIED_BY_TIME: Plan = { ...LIVE, steps: LIVE.steps.map((step) => ({ ...step, dwellMs: HOUR_MS / 2 })) }

const EQUAL: Scenario = {
  name: 'equal',
  plan: UNHURRIED_BY_TIME,
  requestsPerHour: 2000,
  requestsPerUnit: 1,
  clustering: 0,
  countsUnits: true,
  scoredShare: 0.25,
  worseBy: 0,
  stableErrors: 0.01,
  candidateErrors: 0.01,
  slowShare: 0.03,
  candidateSlowShare: 0.03,
  scoreDelayMs: 60_000,
  missingShare: 0.02,
  drift: 0,
  horizonMs: 5 * DAY_MS,
}

/** What is simulated, by name; the last margin before 100 % is three points. */
export const SCENARIOS: readonly Scenario[] = [
  EQUAL,
  { ...EQUAL, name: 'equal, 24 h at 50 %', plan: LIVE },
  { ...EQUAL, name: 'equal, shadow first', plan: PACES.normal },
  { ...EQUAL, name: 'half a margin worse (.015)', worseBy: 0.015 },
  { ...EQUAL, name: 'at the margin (.03)', worseBy: 0.03 },
  { ...EQUAL, name: '.05 worse', worseBy: 0.05 },
  { ...EQUAL, name: '.10 worse', worseBy: 0.1 },
  { ...EQUAL, name: '.10 worse, shadow first', worseBy: 0.1, plan: PACES.normal },
  { ...EQUAL, name: 'errors 1 → 10 %', candidateErrors: 0.1 },
  { ...EQUAL, name: 'errors 1 → 3 %', candidateErrors: 0.03 },
  { ...EQUAL, name: 'slow: 3 → 30 %', candidateSlowShare: 0.3 },
  { ...EQUAL, name: 'equal, drifting, late, 6 % missing', drift: 0.15, scoreDelayMs: 180_000, missingShare: 0.06 },
  { ...EQUAL, name: 'at the margin, drifting, late', worseBy: 0.03, drift: 0.15, scoreDelayMs: 180_000 },
  { ...EQUAL, name: 'equal, 5 requests per unit, ICC .4', requestsPerUnit: 5, clustering: 0.4 },
  { ...EQUAL, name: 'at the margin, ICC .4', requestsPerUnit: 5, clustering: 0.4, worseBy: 0.03 },
  {
    ...EQUAL,
    name: 'at the margin, ICC .4, every request counted',
    requestsPerUnit: 5,
    clustering: 0.4,
    worseBy: 0.03,
    countsUnits: false,
  },
  {
    ...EQUAL,
    name: 'pace small, equal, 5,000 a day',
    plan: PACES.small,
    requestsPerHour: 5000 / 24,
    requestsPerUnit: 5,
    clustering: 0.4,
    horizonMs: 14 * DAY_MS,
  },
]

/** The scenario of this name; throws where there is none. */
export function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name)
  if (found === undefined)
    throw new Error(`no scenario "${name}"; known: ${SCENARIOS.map((each) => each.name).join('; ')}`)
  return found
}
