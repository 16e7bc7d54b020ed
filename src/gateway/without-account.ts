import type { LlmRequest, RawHeaders } from '../domain/request.ts'
import type { Stages } from './stages.ts'

/** Whose account it is at a provider: a stranger's name, or somebody else's secret, anywhere else. */
const OF_THE_ACCOUNT: ReadonlySet<string> = new Set([
  'cookie',
  'set-cookie',
  'openai-organization',
  'openai-project',
  'anthropic-organization-id',
  'x-goog-user-project',
])

/** `raw` without what names an account, for the way between a client and a provider that it has not asked. */
export function withoutAccount(raw: RawHeaders): string[] {
  return withoutHeaders(raw, OF_THE_ACCOUNT)
}

/** How the headers of an answer of `provider` come to the client of `request`. */
export function inboundFrom(
  provider: string,
  request: Pick<LlmRequest, 'provider'>,
  { inboundHeaders }: Pick<Stages, 'inboundHeaders'>,
): Stages['inboundHeaders'] {
  return provider === request.provider ? inboundHeaders : (raw) => withoutAccount(inboundHeaders(raw))
}

/** `raw` without the headers of these names, given in lower case. */
export function withoutHeaders(raw: RawHeaders, names: ReadonlySet<string>): string[] {
  const out: string[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? ''
    if (!names.has(name.toLowerCase())) out.push(name, raw[i + 1] ?? '')
  }
  return out
}
