import { z } from 'zod'
import { percentage, usd } from './amount-leaves.ts'
import { leaf } from './leaf.ts'
import { durationMs, flag, share, wholeNumber } from './leaves.ts'
import { targetName } from './routing-leaves.ts'
import { section } from './section.ts'

/** A value of a request body that is no list and no object. */
function bodyValue(): z.ZodType<string | number | boolean> {
  return leaf<string | number | boolean>(
    (value) =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? { value }
        : { expected: 'a text, a number, true or false' },
    { json: { type: ['string', 'number', 'boolean'] } },
  )
}

const judge = section({
  target: targetName().describe(
    'The model that judges: of an OpenAI or Anthropic provider, paid with its api_key here, and no arm itself.',
  ),
  sample: section({
    pairs: percentage().prefault('100%').describe('Of the pairs of shadows: which answer is better, in both orders.'),
    live: percentage().prefault('0%').describe('Of live answers: a level of five.'),
  })
    .prefault({})
    .describe('Share that is judged. Of every route and task there is at least one in six minutes.'),
  budget: section({
    per_hour: usd().describe('USD in a clock hour.'),
    per_day: usd().describe('USD in a day of UTC.'),
  }).describe('Set aside before a call is sent; at its end nothing is judged. Needs a price for the target.'),
  max_concurrent: wholeNumber(1, 1_000).prefault(4).describe('Cases under way at the same time.'),
  max_queued: wholeNumber(0, 10_000).prefault(200).describe('Cases that may wait; newer ones are not judged.'),
  timeout: durationMs().prefault('60s').describe('Of one call, whole.'),
  max_output_tokens: wholeNumber(16, 100_000).prefault(1_024).describe('Of one verdict, reasoning included.'),
  structured: flag()
    .prefault(true)
    .describe('Whether it takes a JSON schema (OpenAI) or a demanded tool (Anthropic); else it is told the form.'),
  parameters: z
    .record(z.string(), bodyValue(), { error: 'a mapping of body fields' })
    .prefault({})
    .describe('Further fields of its request body, such as temperature. A change of any begins a new version.'),
})

/** Which answers are scored, by whom, and what is good enough. */
export const scoringShape = {
  quality: section({
    evaluate: percentage()
      .prefault('0%')
      .describe('Share of live answers that the built-in evaluators score. Pairs of shadows always are.'),
    minimum: z
      .record(z.string(), share(), { error: 'a mapping of task types' })
      .prefault({})
      .describe('Least acceptable quality by task type, from 0 to 1.'),
  })
    .optional()
    .describe('Scores of live answers. Default: none are scored.'),
  judge: judge.optional().describe('A model that says which of two answers is better. Default: none is asked.'),
}
