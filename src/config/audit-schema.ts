import { z } from 'zod'
import { usd } from './amount-leaves.ts'
import { durationMs, secret, share, text, wholeNumber } from './leaves.ts'
import { section } from './section.ts'
import { oneOrMany } from './shorthand.ts'

const audit = section({
  questions: text('a file of questions, without ~ (write ${HOME})', /^[^~\0][^\0]*$/).describe(
    'One JSON object per line: prompt, expected, and perhaps id and task. Relative to where the proxy is started.',
  ),
  every: durationMs()
    .prefault('24h')
    .describe('Due at the multiples of this time in UTC: 24h at midnight. One of all proxies asks.'),
  budget: usd().describe('USD for one run; at its end the run ends, and has not passed. No price counts as free.'),
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
    .describe('Known questions, asked on a schedule through every route and every model that one may lead to.'),
}
