import type { Gate, Plan } from './rollout.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

export type PaceName = 'normal' | 'careful' | 'small'

/** Where a wrong answer breaks a program: the last margin before 100 % is stricter. */
const STRICT = { coding: 0.02, extraction: 0.02 }

const GATE: Gate = {
  qualityMargin: 0.03,
  qualityMarginByTask: {},
  successMargin: 0.01,
  minPairs: 100,
  dwellMs: 30 * MINUTE_MS,
  maxDurationMs: 7 * DAY_MS,
  needsApproval: false,
}

const SHADOW: Gate = { ...GATE, successMargin: 0.03, qualityMarginByTask: STRICT }

/**
 * Ready-made plans. A step of 5 % can only show a wide margin in a bearable time and exposes few; the margin narrows as
 * more see the candidate, so that what reaches everybody has been shown to be within three points.
 */
export const PACES: Readonly<Record<PaceName, Plan>> = {
  normal: {
    shadow: SHADOW,
    steps: [
      { ...GATE, percent: 5, qualityMargin: 0.1, successMargin: 0.03, minPairs: 50 },
      { ...GATE, percent: 25, qualityMargin: 0.05, successMargin: 0.02 },
      { ...GATE, percent: 50, qualityMarginByTask: STRICT, dwellMs: DAY_MS },
    ],
    bake: { durationMs: DAY_MS, minPairs: 100, maxDurationMs: 7 * DAY_MS },
    cooldownMs: DAY_MS,
  },
  careful: {
    shadow: { ...SHADOW, dwellMs: DAY_MS, maxDurationMs: 14 * DAY_MS },
    steps: [
      { ...GATE, percent: 5, qualityMargin: 0.1, successMargin: 0.03, dwellMs: 7 * DAY_MS, maxDurationMs: 21 * DAY_MS },
      { ...GATE, percent: 25, qualityMargin: 0.05, successMargin: 0.02, dwellMs: DAY_MS, maxDurationMs: 14 * DAY_MS },
      { ...GATE, percent: 50, qualityMarginByTask: STRICT, dwellMs: 2 * DAY_MS, maxDurationMs: 14 * DAY_MS },
    ],
    bake: { durationMs: 3 * DAY_MS, minPairs: 100, maxDurationMs: 14 * DAY_MS },
    cooldownMs: 7 * DAY_MS,
  },
  // For fewer than 5 000 requests a day: what it shows is that the candidate is at most seven points worse.
  small: {
    shadow: { ...GATE, qualityMargin: 0.07, successMargin: 0.06, minPairs: 50, maxDurationMs: 14 * DAY_MS },
    steps: [
      {
        ...GATE,
        percent: 10,
        qualityMargin: 0.15,
        successMargin: 0.06,
        minPairs: 30,
        dwellMs: DAY_MS,
        maxDurationMs: 14 * DAY_MS,
      },
      {
        ...GATE,
        percent: 50,
        qualityMargin: 0.07,
        successMargin: 0.03,
        minPairs: 50,
        dwellMs: DAY_MS,
        maxDurationMs: 14 * DAY_MS,
      },
    ],
    bake: { durationMs: DAY_MS, minPairs: 10, maxDurationMs: 14 * DAY_MS },
    cooldownMs: DAY_MS,
  },
}
