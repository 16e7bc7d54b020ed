import type { Dialect } from '../domain/request.ts'

/** The response headers that a provider puts on every answer of its API: name, value, name, value … */
export function providerHeaders(dialect: Dialect, call: HeaderFacts): string[] {
  switch (dialect) {
    case 'openai':
      return openaiHeaders(call)
    case 'anthropic':
      return anthropicHeaders(call)
    case 'gemini':
      return geminiHeaders(call)
  }
}

export type HeaderFacts = {
  readonly requestId: string
  readonly processingMs: number
  /** Wall clock in milliseconds; Anthropic states when its limits are full again. */
  readonly now: number
  /** Out of quota: nothing remains, and when to come again. */
  readonly retryAfterSeconds: number | undefined
  readonly isLimited: boolean
}

// Written in the providers' own mix of cases, and with a header that comes twice: a proxy must keep both.
function openaiHeaders({ requestId, processingMs, retryAfterSeconds, isLimited }: HeaderFacts): string[] {
  const headers = [
    'access-control-expose-headers',
    'X-Request-ID',
    'openai-organization',
    'org-simulated',
    'openai-processing-ms',
    String(processingMs),
    'openai-project',
    'proj_simulated',
    'openai-version',
    '2020-10-01',
    'x-ratelimit-limit-requests',
    '10000',
    'x-ratelimit-limit-tokens',
    '30000000',
    'x-ratelimit-remaining-requests',
    isLimited ? '0' : '9999',
    'x-ratelimit-remaining-tokens',
    isLimited ? '0' : '29999976',
    'x-ratelimit-reset-requests',
    isLimited ? '1s' : '6ms',
    'x-ratelimit-reset-tokens',
    '0s',
    'x-request-id',
    requestId,
    'strict-transport-security',
    'max-age=31536000; includeSubDomains; preload',
    'Set-Cookie',
    '__cf_bm=simulated; path=/; HttpOnly; Secure; SameSite=None',
    'Set-Cookie',
    '_cfuvid=simulated; path=/; HttpOnly; Secure; SameSite=None',
    'X-Content-Type-Options',
    'nosniff',
    'Server',
    'cloudflare',
  ]
  if (retryAfterSeconds !== undefined) {
    headers.push('retry-after', String(retryAfterSeconds), 'retry-after-ms', String(retryAfterSeconds * 1000))
  }
  return headers
}

/** Gemini names neither a request id nor a limit, and says when to come again in the body of a 429. */
function geminiHeaders({ processingMs }: HeaderFacts): string[] {
  return [
    'Vary',
    'Origin',
    'Vary',
    'X-Origin',
    'Vary',
    'Referer',
    'Server',
    'scaffolding on HTTPServer2',
    'X-XSS-Protection',
    '0',
    'X-Frame-Options',
    'SAMEORIGIN',
    'X-Content-Type-Options',
    'nosniff',
    'Server-Timing',
    `gfet4t7; dur=${processingMs}`,
    'X-Gemini-Service-Tier',
    'standard',
    'Alt-Svc',
    'h3=":443"; ma=2592000,h3-29=":443"; ma=2592000',
  ]
}

function anthropicHeaders({ requestId, now, retryAfterSeconds, isLimited }: HeaderFacts): string[] {
  const reset = new Date(now + (retryAfterSeconds ?? 0) * 1000).toISOString().slice(0, 19) + 'Z'
  const headers = [
    'anthropic-ratelimit-requests-limit',
    '4000',
    'anthropic-ratelimit-requests-remaining',
    isLimited ? '0' : '3999',
    'anthropic-ratelimit-requests-reset',
    reset,
    'anthropic-ratelimit-input-tokens-limit',
    '2000000',
    'anthropic-ratelimit-input-tokens-remaining',
    isLimited ? '0' : '1999000',
    'anthropic-ratelimit-input-tokens-reset',
    reset,
    'anthropic-ratelimit-output-tokens-limit',
    '400000',
    'anthropic-ratelimit-output-tokens-remaining',
    '399000',
    'anthropic-ratelimit-output-tokens-reset',
    reset,
    'anthropic-ratelimit-tokens-limit',
    '2400000',
    'anthropic-ratelimit-tokens-remaining',
    isLimited ? '0' : '2398000',
    'anthropic-ratelimit-tokens-reset',
    reset,
    'anthropic-ratelimit-unified-status',
    isLimited ? 'rejected' : 'allowed',
    'request-id',
    requestId,
    'strict-transport-security',
    'max-age=31536000; includeSubDomains; preload',
    'anthropic-organization-id',
    '00000000-0000-4000-8000-000000000000',
    'Server',
    'cloudflare',
    'X-Robots-Tag',
    'none',
  ]
  if (retryAfterSeconds !== undefined) headers.push('retry-after', String(retryAfterSeconds))
  if (isLimited) headers.push('x-should-retry', 'true')
  return headers
}
