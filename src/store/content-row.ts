import { createHmac } from 'node:crypto'
import { answerContentOf, type AnswerContent } from '../dialects/answer-content.ts'
import { comparableAnswer, comparablePrompt } from '../dialects/comparable-content.ts'
import { promptContentOf } from '../dialects/prompt-content.ts'
import { type CapturedContent, headAndTail } from '../domain/content.ts'
import type { Exchange } from '../domain/exchange.ts'
import { createRedactor, type Redactor } from '../domain/redaction/redactor.ts'
import { type Field, type FieldsOf, rowLine, textField, timeField } from './row-fields.ts'

/** Columns of table `contents`, in the order of `contentRow`. */
export const CONTENT_COLUMNS = [
  'trace_id',
  'received_at',
  'instance',
  'provider',
  'api',
  'route',
  'user',
  'end_user',
  'policy_version',
  'mode',
  'request',
  'request_kept',
  'request_hash',
  'answer',
  'answer_kept',
  'answer_hash',
  'redactions',
] as const

/** One side of an exchange, as it is stored. */
type Kept = {
  readonly text: string
  readonly kept: 'full' | 'truncated' | 'none' | 'too_large' | 'unreadable'
  readonly hash: string
}

const NOTHING: Kept = { text: '', kept: 'none', hash: '' }

/**
 * The row of table `contents` for one exchange: a JSON array of `CONTENT_COLUMNS` on one line, without the newline.
 * Texts are redacted whole and cut after that, so that no cut can take a secret apart. `hashKey` keeps those who read
 * the table from finding a text by hashing guesses.
 */
export function contentRow(exchange: Exchange, content: CapturedContent, instance: string, hashKey: string): string {
  const { request, decision } = exchange
  const redactions = new Map<string, number>()
  const making: Making = {
    content,
    api: request.api,
    redactor: createRedactor(content.policy.rules),
    redactions,
    hashKey,
  }
  const asked = keptRequest(making)
  const answered = keptAnswer(making)
  const fields: FieldsOf<typeof CONTENT_COLUMNS> = [
    request.id,
    timeField(exchange.receivedAt),
    instance,
    textField(request.provider),
    request.api,
    textField(decision.route),
    textField(request.controls.user),
    textField(request.shape.endUser),
    textField(decision.policyVersion),
    content.mode,
    asked.text,
    asked.kept,
    asked.hash,
    answered.text,
    answered.kept,
    answered.hash,
    Object.fromEntries<Field>(redactions),
  ]
  return rowLine(fields)
}

type Making = {
  readonly content: CapturedContent
  readonly api: Exchange['request']['api']
  readonly redactor: Redactor
  readonly redactions: Map<string, number>
  readonly hashKey: string
}

function keptRequest(making: Making): Kept {
  const { content, api, redactor, redactions } = making
  if (content.request === undefined) return { ...NOTHING, kept: 'unreadable' }
  const bytes = Buffer.from(content.request.buffer, content.request.byteOffset, content.request.length)
  if (bytes.length === 0) return NOTHING
  if (bytes.length > content.policy.maxBytes) return { ...NOTHING, kept: 'too_large', hash: hashOf(making, bytes) }
  const prompt = promptContentOf(api, bytes)
  const hash = hashOf(making, prompt === undefined || prompt.isClipped ? bytes : comparablePrompt(prompt))
  if (content.mode === 'hash') return { ...NOTHING, hash }
  const text = bytes.toString('utf8')
  const body = parsed(text)
  const redacted =
    body === undefined ? redactor.text(text, redactions) : JSON.stringify(redactor.json(body, redactions))
  return { ...cut(content, redacted), hash }
}

function keptAnswer(making: Making): Kept {
  const { content, api, redactor, redactions } = making
  if (content.answer === undefined) return NOTHING
  const { bytes } = content.answer
  if (bytes === undefined) return { ...NOTHING, kept: 'too_large' }
  if (bytes.length === 0) return NOTHING
  const answer = answerContentOf(api, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  if (answer === undefined) return NOTHING
  const hash = hashOf(making, comparableAnswer(answer))
  if (content.mode === 'hash') return { ...NOTHING, hash }
  const redacted = JSON.stringify(redactor.json(answerJson(answer, content.answer.isCut), redactions))
  return { ...cut(content, redacted), hash }
}

/** The stored form of an answer: arguments as JSON where they are, so that paths lead into them. */
function answerJson(answer: AnswerContent, isCut: boolean): unknown {
  return {
    text: answer.text,
    tool_calls: answer.toolCalls.map(({ name, argumentsText }) => ({
      name,
      arguments: parsed(argumentsText) ?? argumentsText,
    })),
    refusal: answer.refusal,
    finish_reason: answer.finishReason,
    error_type: answer.errorType,
    is_truncated: answer.isTruncated || isCut,
    is_clipped: answer.isClipped,
  }
}

function cut({ mode, policy }: CapturedContent, text: string): Pick<Kept, 'text' | 'kept'> {
  if (mode === 'full') return { text, kept: 'full' }
  const ends = headAndTail(text, policy.headChars, policy.tailChars)
  return { text: ends, kept: ends === text ? 'full' : 'truncated' }
}

function hashOf({ hashKey }: Making, content: string | Buffer): string {
  return createHmac('sha256', hashKey).update(content).digest('hex')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
