import { answerContentOf } from '../../dialects/answer-content.ts'
import { readerFor } from '../../dialects/answer-reader.ts'
import { AUDIT_TAGS, type AuditAnswer } from '../../domain/audit.ts'
import type { PriceCall, World } from '../../domain/ports.ts'
import type { Api } from '../../domain/request.ts'
import { type GoldenQuestion, scoreGolden } from '../golden.ts'
import type { AuditPath } from './audit-paths.ts'

export type AskPathOptions = {
  /** Of the proxy's data port. */
  readonly url: string
  /** A client's key; undefined: none is sent. */
  readonly key: string | undefined
  readonly price: PriceCall
  readonly world: Pick<World, 'now'>
}

/** Puts one question to one path of the running proxy, as a client would. Undefined when `signal` aborts; never rejects. */
export type AskPath = (
  path: AuditPath,
  question: GoldenQuestion,
  signal: AbortSignal,
) => Promise<AuditAnswer | undefined>

const TIMEOUT_MS = 120_000
/** Where a dialect demands a limit. */
const MAX_TOKENS = 1_024

export function createAskPath({ url, key, price, world }: AskPathOptions): AskPath {
  const ask = async (path: AuditPath, question: GoldenQuestion, signal: AbortSignal): Promise<AuditAnswer> => {
    const { api, target, body } = callOf(path, question.prompt)
    const answer = await fetch(`${url}/p/${path.mount}${target}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'anthropic-version': '2023-06-01',
        'x-understudy-route': path.route,
        'x-understudy-task': question.task,
        'x-understudy-tags': `audit=${AUDIT_TAGS.audit}`,
        'x-understudy-shadow': 'off',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}`, 'x-api-key': key, 'x-goog-api-key': key }),
      },
      body: JSON.stringify(body),
      signal,
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    const content = answerContentOf(api, bytes)
    const reader = readerFor(api)
    reader?.body(bytes)
    const said = reader?.answer(false)
    const provider = answer.headers.get('x-understudy-provider') ?? path.mount
    const model = said?.model ?? answer.headers.get('x-understudy-model') ?? path.model
    const cost = price({ provider, model, usage: said?.usage, at: world.now() })
    const value = answer.ok && content !== undefined ? scoreGolden(question, answer.status, content) : undefined
    return {
      ...about(path, question),
      traceId: answer.headers.get('x-understudy-trace-id') ?? undefined,
      value,
      failure: value !== undefined ? '' : answer.ok ? 'not_scored' : `status_${answer.status}`,
      model: answer.ok ? model : '',
      // An error costs nothing; an answer without a price costs nobody knows what.
      picoUsd: cost.kind === 'priced' ? cost.picoUsd : answer.ok ? undefined : 0n,
    }
  }
  const about = (
    { kind, path }: AuditPath,
    { id, task }: GoldenQuestion,
  ): Pick<AuditAnswer, 'kind' | 'path' | 'question' | 'task' | 'answeredAt'> => ({
    kind,
    path,
    question: id,
    task,
    answeredAt: world.now(),
  })
  return async (path, question, signal) => {
    try {
      return await ask(path, question, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]))
    } catch (error) {
      if (signal.aborted) return undefined
      const failure = error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'unreachable'
      return {
        ...about(path, question),
        traceId: undefined,
        value: undefined,
        failure,
        model: '',
        picoUsd: undefined,
      }
    }
  }
}

function callOf(
  { dialect, model }: AuditPath,
  prompt: string,
): { readonly api: Api; readonly target: string; readonly body: unknown } {
  const messages = [{ role: 'user', content: prompt }]
  switch (dialect) {
    case 'openai':
      return { api: 'chat_completions', target: '/v1/chat/completions', body: { model, messages } }
    case 'anthropic':
      return { api: 'messages', target: '/v1/messages', body: { model, messages, max_tokens: MAX_TOKENS } }
    case 'gemini':
      return {
        api: 'generate_content',
        target: `/v1beta/models/${encodeURIComponent(model)}:generateContent`,
        body: { contents: [{ role: 'user', parts: [{ text: prompt }] }] },
      }
  }
}
