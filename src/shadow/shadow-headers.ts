import type { RawHeaders } from '../domain/request.ts'

/** Headers of a client's that say what its body means. All others are about the client, or its account. */
const KEPT: ReadonlySet<string> = new Set([
  'content-type',
  'accept',
  'anthropic-version',
  'anthropic-beta',
  'openai-beta',
])

/** What of a client's headers goes with its prompt to a candidate. Nothing compressed is asked for. */
export function shadowHeaders(raw: RawHeaders): RawHeaders {
  const out: string[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (KEPT.has((raw[i] ?? '').toLowerCase())) out.push(raw[i] ?? '', raw[i + 1] ?? '')
  }
  out.push('accept-encoding', 'identity', 'user-agent', 'understudy-shadow')
  return out
}
