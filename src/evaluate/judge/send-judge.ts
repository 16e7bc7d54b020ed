import { readerFor } from '../../dialects/answer-reader.ts'
import type { Answer } from '../../dialects/answer.ts'
import { followPath } from '../../dialects/follow-path.ts'
import type { Attempt, AttemptOutcome } from '../../domain/exchange.ts'
import type { Provider } from '../../domain/policy.ts'
import type { PriceCall, World } from '../../domain/ports.ts'
import type { RawHeaders } from '../../domain/request.ts'
import type { JudgePolicy } from '../../domain/scoring-policy.ts'
import type { SendUpstream } from '../../domain/upstream-call.ts'
import type { JudgeRequest } from './judge-request.ts'

/** Makes one call to the judge. Never rejects: what fails is an attempt that failed, its body empty. */
export type SendJudge = (
  policy: JudgePolicy,
  provider: Provider,
  request: JudgeRequest,
) => Promise<{ readonly attempt: Attempt; readonly body: Buffer }>

export type SendJudgeOptions = {
  readonly world: World
  /** With pools and limits of its own: the judge takes no slot from live traffic. */
  readonly send: SendUpstream
  readonly outboundHeaders: (raw: RawHeaders, provider: Provider) => string[]
  readonly price: PriceCall
}

/** A verdict is a sentence and a word. */
const MAX_REPLY_BYTES = 1024 * 1024
const HEADERS: RawHeaders = ['content-type', 'application/json', 'accept', 'application/json']
const ANTHROPIC_HEADERS: RawHeaders = [...HEADERS, 'anthropic-version', '2023-06-01']

export function createSendJudge({ world, send, outboundHeaders, price }: SendJudgeOptions): SendJudge {
  return (policy, provider, { path, body }) =>
    new Promise((resolve) => {
      const id = world.newId()
      const askedAt = { wall: world.now(), monotonic: world.monotonic() }
      let queueMs = 0
      let status = 0
      let firstByteMs: number | undefined
      let chunks: Buffer[] = []
      let bytes = 0
      let isOver = false
      const sinceStart = (): number => Math.max(0, world.monotonic() - askedAt.monotonic - queueMs)

      const settle = (outcome: AttemptOutcome): void => {
        if (isOver) return
        isOver = true
        clearTimeout(timer)
        const reply = outcome.kind === 'unavailable' ? Buffer.alloc(0) : Buffer.concat(chunks)
        const answer = readAnswer(policy, reply, outcome.kind === 'interrupted')
        const at = askedAt.wall + queueMs
        const model = answer?.model ?? policy.model
        const attempt: Attempt = {
          id,
          role: 'judge',
          target: { provider: provider.name, model: policy.model },
          startedAt: at,
          durationMs: sinceStart(),
          queueMs,
          firstByteMs,
          firstTokenMs: undefined,
          outcome: outcome.kind === 'refused' ? { ...outcome, errorType: answer?.errorType } : outcome,
          servedModel: answer?.model,
          providerRequestId: undefined,
          responseId: answer?.responseId,
          finishReason: answer?.finishReason,
          usage: answer?.usage,
          cost: priced(price, provider.name, [model, policy.model], answer, at),
          responseBytes: bytes,
          streamEvents: undefined,
        }
        resolve({ attempt, body: reply })
      }
      const timer = setTimeout(() => {
        call.abort()
        settle(status === 0 ? unavailable('first_byte_timeout', true) : interrupted(status, 'idle_timeout'))
      }, policy.timeoutMs)
      const outbound = {
        method: 'POST',
        path: followPath(path, provider.paths ?? [])?.upstream ?? path,
        headers: outboundHeaders(policy.api === 'messages' ? ANTHROPIC_HEADERS : HEADERS, provider),
        body: Buffer.from(JSON.stringify(body)),
      }
      const call = send(provider, outbound, {
        started: (waitedMs) => {
          queueMs = waitedMs
        },
        head: (seen) => {
          status = seen
          firstByteMs = sinceStart()
        },
        data: (chunk) => {
          bytes += chunk.length
          if (bytes <= MAX_REPLY_BYTES) {
            chunks.push(chunk)
            return true
          }
          chunks = []
          call.abort()
          settle(interrupted(status, 'upstream_cut'))
          return false
        },
        end: () =>
          settle(
            status < 400
              ? { kind: 'completed', status }
              : { kind: 'refused', status, error: 'upstream_error', errorType: undefined },
          ),
        failed: ({ error, mayHaveRun }) =>
          settle(status === 0 ? unavailable(error, mayHaveRun) : interrupted(status, error)),
      })
    })
}

type Unavailable = Extract<AttemptOutcome, { kind: 'unavailable' }>

function unavailable(error: Unavailable['error'], mayHaveRun: boolean): Unavailable {
  return { kind: 'unavailable', error, mayHaveRun }
}

function interrupted(status: number, error: Unavailable['error']): AttemptOutcome {
  return { kind: 'interrupted', status, error }
}

function readAnswer({ api }: JudgePolicy, reply: Buffer, isCut: boolean): Answer | undefined {
  const reader = reply.length === 0 ? undefined : readerFor(api)
  reader?.body(reply)
  return reader?.answer(isCut)
}

/** By the model that answered, else by the one that was asked. */
function priced(
  price: PriceCall,
  provider: string,
  [served, asked]: readonly [string, string],
  answer: Answer | undefined,
  at: number,
) {
  const cost = price({ provider, model: served, usage: answer?.usage, at })
  const isUnknown = cost.kind === 'unpriced' && cost.why === 'unknown_model'
  return isUnknown ? price({ provider, model: asked, usage: answer?.usage, at }) : cost
}
