import type { z } from 'zod'
import { leaf } from './leaf.ts'

/** Set by the connection itself: a value from the file would break framing or send the request elsewhere. */
const OF_THE_CONNECTION = [
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]
/** Carriers of keys: those have a place of their own, where it is known that they are keys. */
const OF_THE_KEY = ['authorization', 'api-key', 'x-api-key', 'x-goog-api-key', 'proxy-authorization', 'cookie']

/** What is wrong with `name` as an extra request header, as the second half of `expected …`; undefined if nothing. */
export function headerNameFault(name: string): string | undefined {
  const lower = name.toLowerCase()
  if (!/^[!#$%&'*+.^_`|~\da-z-]+$/.test(lower)) return 'a header name of letters, digits and -'
  if (OF_THE_CONNECTION.includes(lower)) return 'a header that does not belong to the connection itself'
  if (OF_THE_KEY.includes(lower)) return 'api_key to carry the key (auth says in which header), not a header of its own'
  if (lower.startsWith('x-understudy-')) return 'a header outside x-understudy-, which the proxy keeps to itself'
  return undefined
}

/** One line of printable text. Never shown: headers carry keys. */
export function headerValue(): z.ZodType<string> {
  return leaf(
    (value) =>
      typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
        ? { value }
        : { expected: 'a text in quotes, on one line' },
    { isSecret: true, json: { type: 'string' } },
  )
}
