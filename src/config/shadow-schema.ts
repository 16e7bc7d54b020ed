import { z } from 'zod'
import { percentage, usd } from './amount-leaves.ts'
import { durationMs, flag, sizeBytes, text, wholeNumber } from './leaves.ts'
import { targetName } from './routing-leaves.ts'
import { matchShape, providerName } from './routing-schema.ts'
import { section } from './section.ts'
import { oneOrMany } from './shorthand.ts'

const shadow = section({
  enabled: flag().prefault(true),
  match: section(matchShape)
    .prefault({})
    .describe('What a request must be, as of a route. Every shadow that matches looks at it for itself.'),
  sample: percentage().describe('Share of the matching requests that is mirrored.'),
  salt: text('a word of letters, digits, - and _', /^[\w.-]{1,64}$/)
    .optional()
    .describe('Another salt draws another sample. Default: the name of the shadow.'),
  candidates: oneOrMany(targetName(), 'a list of targets').describe(
    'Models that answer as well, of the same dialect; each sampled request goes to one of them.',
  ),
  aa_share: percentage()
    .prefault('10%')
    .describe('Share of the sampled requests that the stable model answers a second time: the noise floor.'),
  budget: section({
    per_hour: usd().describe('USD in a clock hour.'),
    per_day: usd().describe('USD in a day of UTC.'),
  }).describe('Reserved before a call is sent; at its end the shadow rests. Needs a price for each candidate.'),
  max_concurrent: wholeNumber(1, 1_000).prefault(4).describe('Calls under way at the same time.'),
  max_queued: wholeNumber(0, 10_000).prefault(100).describe('Requests that may wait for that; newer ones are skipped.'),
  timeout: durationMs().prefault('120s').describe('Of one call, whole.'),
  headroom_floor: percentage()
    .prefault('20%')
    .describe("Share of a provider's rate limit that is left to live traffic."),
  max_request_bytes: sizeBytes(1).prefault('1MB').describe('Larger requests are not mirrored.'),
  providers: oneOrMany(providerName(), 'a list of providers')
    .optional()
    .describe('Providers that may see mirrored prompts. Default: those of the candidates and of the live call.'),
  redact_candidate: flag()
    .prefault(false)
    .describe('Whether candidates get what content.redact leaves of a prompt. Their pairs are marked: is_redacted.'),
  streaming: flag().prefault(true).describe('Whether streamed requests are mirrored, as streams.'),
})

/** Which live requests other models answer as well, by name. */
export const shadowsShape = {
  shadows: z
    .record(z.string(), shadow, { error: 'a mapping of shadow names' })
    .prefault({})
    .describe('Models that answer a sample of live requests unseen, to be compared. Paid with keys of the server.'),
}
