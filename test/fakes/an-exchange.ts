import type { Attempt, Exchange } from '../../src/domain/exchange.ts'
import type { LlmRequest } from '../../src/domain/request.ts'
import type { Usage } from '../../src/domain/usage.ts'

const RECEIVED_AT = Date.UTC(2026, 10, 20, 12)

/** A completed chat completion over OpenAI, 1 000 tokens in and 200 out for 0.002 dollars. */
export function anExchange(parts: Partial<Exchange> = {}): Exchange {
  return {
    request: aRequest(),
    receivedAt: RECEIVED_AT,
    durationMs: 1234.5678,
    overheadMs: 0.25,
    decision: {
      route: 'default',
      arm: 'none',
      targets: [{ provider: 'openai', model: 'gpt-5-mini' }],
      reasons: ['default_route'],
      policyVersion: '0123456789abcdef',
    },
    attempts: [anAttempt()],
    status: 200,
    outcome: 'completed',
    error: undefined,
    responseBytes: 5_000,
    ...parts,
  }
}

export function aRequest(parts: Partial<LlmRequest> = {}): LlmRequest {
  return {
    id: '0199a0b0-0000-7000-8000-000000000001',
    provider: 'openai',
    dialect: 'openai',
    api: 'chat_completions',
    path: '/openai/v1/chat/completions',
    upstreamPath: '/v1/chat/completions',
    method: 'POST',
    model: 'gpt-5-mini',
    isStream: false,
    requestBytes: 800,
    controls: { route: undefined, session: undefined, user: undefined, team: undefined, tags: {}, task: undefined },
    client: {
      keySubject: 'a1b2c3d4e5f60718',
      userAgent: 'OpenAI/JS 7.55.0',
      sdkRetry: undefined,
      sdkTimeoutSeconds: undefined,
      traceParent: undefined,
    },
    shape: {
      endUser: undefined,
      conversation: undefined,
      hasTools: false,
      hasSchema: false,
      injectsUsage: false,
      unreadable: undefined,
    },
    ...parts,
  }
}

export function anAttempt(parts: Partial<Attempt> = {}): Attempt {
  return {
    id: '0199a0b0-0000-7000-8000-0000000000a1',
    role: 'primary',
    target: { provider: 'openai', model: 'gpt-5-mini' },
    startedAt: RECEIVED_AT + 1,
    durationMs: 1234,
    queueMs: 0,
    firstByteMs: 200,
    firstTokenMs: 220.25,
    outcome: { kind: 'completed', status: 200 },
    servedModel: 'gpt-5-mini-2026-08-07',
    providerRequestId: 'req_1',
    responseId: 'chatcmpl-1',
    finishReason: 'stop',
    usage: aUsage(),
    cost: { kind: 'priced', picoUsd: 2_000_000_000n, rates: noRates, source: 'config' },
    responseBytes: 5_000,
    streamEvents: undefined,
    ...parts,
  }
}

export function aUsage(parts: Partial<Usage> = {}): Usage {
  return {
    uncachedInputTokens: 900,
    cacheReadTokens: 100,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    audioInputTokens: 0,
    textOutputTokens: 150,
    reasoningTokens: 50,
    audioOutputTokens: 0,
    providerInputTokens: 1_000,
    providerOutputTokens: 200,
    webSearchRequests: 0,
    serviceTier: undefined,
    parts: [],
    isPartial: false,
    ...parts,
  }
}

const noRates = {
  uncachedInput: undefined,
  cacheRead: undefined,
  cacheWrite5m: undefined,
  cacheWrite1h: undefined,
  audioInput: undefined,
  textOutput: undefined,
  reasoning: undefined,
  audioOutput: undefined,
  webSearch: undefined,
}
