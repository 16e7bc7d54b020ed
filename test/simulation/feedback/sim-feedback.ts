import { parseArgs } from 'node:util'
import { drawCourse } from './course-picture.ts'
import { NOISE_ONLY, THREE_MODELS } from './feedback-scenario.ts'
import { summariseFeedback, summaryLines } from './feedback-summary.ts'
import { simulateFeedback } from './simulate-feedback.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    /** Of the scenario without anything to be found. */
    'noise-seeds': { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    /** Draws the first run into this PNG, and simulates nothing else. */
    picture: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const seed = Number(values.seed)
if (values.picture === undefined) {
  const summaries = [
    summariseFeedback(THREE_MODELS, Number(values.seeds), seed),
    summariseFeedback(NOISE_ONLY, Number(values['noise-seeds']), seed),
  ]
  process.stdout.write(
    values.json ? `${JSON.stringify(summaries, undefined, 2)}\n` : `${summaries.flatMap(summaryLines).join('\n')}\n`,
  )
} else {
  await drawCourse(THREE_MODELS, simulateFeedback(THREE_MODELS, seed), values.picture, process.env)
  process.stdout.write(`${values.picture}\n`)
}
