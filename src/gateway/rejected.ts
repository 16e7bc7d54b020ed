import type { IncomingMessage } from 'node:http'
import { isGeminiPath } from '../dialects/gemini-path.ts'
import { originForm } from '../dialects/recognise.ts'
import { ERRORS } from '../domain/errors.ts'
import type { Decision, Refusal } from '../domain/decide.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Exchange } from '../domain/exchange.ts'
import type { LlmRequest, Recognised } from '../domain/request.ts'
import type { EpochMs } from '../domain/units.ts'

/** The record of a request for which no upstream was called. */
export function rejectedExchange(
  request: LlmRequest,
  decision: Decision | Refusal,
  receivedAt: EpochMs,
  durationMs: number,
  error: ErrorCode,
): Exchange {
  const isGone = error === 'client_closed'
  return {
    request,
    receivedAt,
    durationMs,
    overheadMs: isGone ? 0 : durationMs,
    decision,
    attempts: [],
    status: isGone ? 0 : ERRORS[error].status,
    outcome: isGone ? 'cancelled' : 'rejected',
    error,
    responseBytes: 0,
  }
}

/** Stands in for the recognition of a path that leads nowhere; the dialect is a guess for the error's shape. */
export function unrecognised(inbound: IncomingMessage): Recognised {
  const url = originForm(inbound.url ?? '') ?? '*'
  const queryAt = url.indexOf('?')
  const isAnthropic =
    inbound.headers['anthropic-version'] !== undefined ||
    url.startsWith('/anthropic/') ||
    url.startsWith('/v1/messages')
  const path = queryAt < 0 ? url : url.slice(0, queryAt)
  const isGemini = path.startsWith('/gemini/') || isGeminiPath(path)
  return {
    provider: '',
    dialect: isAnthropic ? 'anthropic' : isGemini ? 'gemini' : 'openai',
    api: 'passthrough',
    upstreamPath: '',
    path,
  }
}
