import { expect, it } from 'vitest'
import { NOISE_ONLY, THREE_MODELS } from './feedback-scenario.ts'
import { summariseFeedback } from './feedback-summary.ts'

// 20 seeds and 100: npm run sim:feedback.

it('from a cold start each task goes to the cheapest model that is good enough, in bounded steps, and to another when that gets worse', () => {
  const summary = summariseFeedback({ ...THREE_MODELS, days: 26 }, 2, 1)
  expect(summary.rightBefore.share).toBe(1)
  expect(summary.rightAtEnd.share).toBe(1)
  expect(summary.largestStep).toBeLessThanOrEqual(0.1)
  expect(summary.savedShare).toBeGreaterThan(0.4)
})

it('where there is nothing to be found, no weight moves', () => {
  expect(summariseFeedback({ ...NOISE_ONLY, days: 8 }, 3, 1).stayed.share).toBe(1)
})
