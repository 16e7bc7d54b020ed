import { z } from 'zod'
import { percentage, usd } from './amount-leaves.ts'
import { choice, durationMs, flag, secret, share, text, wholeNumber } from './leaves.ts'
import { section } from './section.ts'
import { oneOrMany } from './shorthand.ts'

const audit = section({
  kind: choice(['golden', 'routing'])
    .prefault('golden')
    .describe('golden: known questions. routing: a sample of live requests, answered by every target of their route.'),
  questions: text('a file of questions, without ~ (write ${HOME})', /^[^~\0][^\0]*$/)
    .optional()
    .describe('Of kind golden. One JSON object per line: prompt, expected, and perhaps id and task.'),
  sample: percentage().optional().describe('Of kind routing: share of the requests of a route. Default: 2%.'),
  point_value: usd()
    .optional()
    .describe(
      "Of kind routing: what 0.01 of quality is worth, in USD per request. Default: that of the route's feedback.",
    ),
  enabled: flag()
    .optional()
    .describe(
      'Of kind routing: whether it runs all the time; else while `understudy audit routing` does. Default: true.',
    ),
  every: durationMs()
    .prefault('24h')
    .describe(
      'Due at the multiples of this time in UTC: 24h at midnight. Of kind routing: 1h or 24h, for which the budget is.',
    ),
  budget: usd().describe(
    'USD for one run, or, of kind routing, for each route and `every`, without what the judge costs; at its end nothing more is asked.',
  ),
  minimum: share().optional().describe('Least acceptable mean for tasks of which quality.minimum says none.'),
  routes: oneOrMany(text('a route', /\S/), 'a list of routes')
    .optional()
    .describe('Routes that are asked, and the models that they may lead to. Default: all.'),
  api_key: secret()
    .optional()
    .describe("Sent as a client's key. Without one, only providers with an api_key here are asked."),
  max_concurrent: wholeNumber(1, 100).prefault(4).describe('Questions under way at the same time.'),
})

/** Known questions down every path that answers. */
export const auditsShape = {
  audits: z
    .record(z.string(), audit, { error: 'a mapping of audit names' })
    .prefault({})
    .describe(
      'Known questions down every route, on a schedule; or a sample of live requests put to all targets of their route.',
    ),
}
