import type { RawHeaders } from '../domain/request.ts'
import type { EpochMs } from '../domain/units.ts'
import type { ErrorWords } from './error-words.ts'
import { durationMs } from './go-duration.ts'
import { headersBeginning } from './header-values.ts'
import { resetTime } from './rate-headroom.ts'

/** Nobody waits longer; a date in the next century is a fault. */
const LONGEST_MS = 24 * 3_600_000

/**
 * How long the provider asks to be left alone, in milliseconds, 0 to a day; undefined when it does not ask. What it says
 * outright stands before what can be concluded from it.
 */
export function retryAfterMs(headers: RawHeaders, words: ErrorWords, now: EpochMs): number | undefined {
  const values = headersBeginning(headers, ['retry-after', 'x-ratelimit-', 'anthropic-ratelimit-'])
  const asked =
    milliseconds(values.get('retry-after-ms')) ??
    secondsOrDate(values.get('retry-after'), now) ??
    retryInfo(words) ??
    inMessage(words) ??
    untilReset(values, now)
  return asked === undefined ? undefined : Math.min(LONGEST_MS, Math.max(0, Math.round(asked)))
}

function milliseconds(text: string | undefined): number | undefined {
  const ms = text === undefined || text === '' ? Number.NaN : Number(text)
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined
}

/** RFC 9110, 10.2.3: seconds, or an HTTP date. */
function secondsOrDate(text: string | undefined, now: EpochMs): number | undefined {
  if (text === undefined) return undefined
  const seconds = milliseconds(text)
  if (seconds !== undefined) return seconds * 1_000
  const at = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : at - now
}

/** `google.rpc.RetryInfo`, where alone Gemini says it: `"retryDelay": "45.837906927s"`. */
function retryInfo({ details }: ErrorWords): number | undefined {
  const info = details.find((detail) => detail['@type'] === 'type.googleapis.com/google.rpc.RetryInfo')
  const delay = info?.['retryDelay']
  return typeof delay === 'string' ? durationMs(delay) : undefined
}

/** "Please try again in 6m0s." (OpenAI, Groq) and "Please retry in 45.8s." (Gemini), "retry after 9 seconds" (Azure). */
const IN_MESSAGE = /(?:try again in|retry in|retry after) ([\d.]+(?:[dhms][\d.hms]*)?)( seconds?)?/

function inMessage({ message }: ErrorWords): number | undefined {
  const [, span = ''] = IN_MESSAGE.exec(message) ?? []
  return durationMs(span.replace(/\.$/, ''))
}

const RESETS = [
  ['x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
  ['x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
  ...['requests', 'tokens', 'input-tokens', 'output-tokens'].map(
    (what) => [`anthropic-ratelimit-${what}-remaining`, `anthropic-ratelimit-${what}-reset`] as const,
  ),
] as const

/** Until every limit that is used up is whole again. */
function untilReset(values: ReadonlyMap<string, string>, now: EpochMs): number | undefined {
  const times = RESETS.filter(([remaining]) => values.get(remaining) === '0')
    .map(([, reset]) => resetTime(values.get(reset), now))
    .filter((at) => at !== undefined)
  return times.length === 0 ? undefined : Math.max(...times) - now
}
