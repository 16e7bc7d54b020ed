import { hash } from 'node:crypto'
import type { Api } from '../domain/request.ts'
import type { PromptFacts } from '../domain/routing/facts.ts'
import { type Need, NEEDS } from '../domain/routing/route.ts'
import { cappedSpans, cappedText } from './capped-text.ts'
import { hasCode } from './has-code.ts'
import { skipSpace, skipValue } from './json-scan.ts'
import { walkObject } from './json-walk.ts'
import { extraTokens } from './media-tokens.ts'
import { PROMPT_FIELDS } from './prompt-api-fields.ts'
import { emptyFields, type PromptFields } from './prompt-fields.ts'
import { roughTokens } from './rough-tokens.ts'
import { spannedBytes, type TextSpans } from './text-spans.ts'

/** Which facts a policy asks for; what is not wanted is left at '', 0, [], false or undefined. */
export type PromptWants = {
  /** `lastUserText` and `hasCode`. */
  readonly text: boolean
  readonly inputTokens: boolean
  readonly turn: boolean
  /** `namesStored`, too. */
  readonly needs: boolean
  readonly conversation: boolean
}

/** Estimates the tokens of text at spans of a body. */
export type EstimateTokens = (bytes: Buffer, spans: TextSpans) => number

const NOTHING: PromptFacts = {
  lastUserText: '',
  inputTokens: 0,
  maxOutputTokens: undefined,
  turn: 0,
  needs: [],
  hasCode: false,
  conversationHash: undefined,
  namesStored: false,
}

/**
 * What the prompt in a (decoded) body shows, read by walking its bytes once. Total: bytes that are no JSON object, or one
 * of more than 100,000 values, show nothing, and members of another type than the API's are passed over. The cost is that
 * of finding the quotes in the body; what is done with the text does not grow beyond 4 KB of it.
 *
 * `inputTokens` is of what this body holds, without what the provider keeps of a conversation; the factor that
 * `tokenRatio` learns for a model is the caller's to apply.
 */
export function promptFacts(
  api: Api,
  bytes: Buffer,
  wants: PromptWants,
  estimateTokens: EstimateTokens = roughTokens,
): PromptFacts {
  if (api === 'passthrough') return NOTHING
  const known = PROMPT_FIELDS[api]
  const fields = emptyFields(wants.text || wants.inputTokens || wants.turn || wants.needs || wants.conversation)
  const end = walkObject(bytes, skipSpace(bytes, 0), fields, (_, at, own, key) => {
    const field = known.get(key)
    return field === undefined ? skipValue(bytes, at) : field(bytes, at, own)
  })
  if (end < 0) return NOTHING
  const { conversation } = fields
  const lastUserText = wants.text ? cappedText(bytes, conversation.lastUser) : ''
  return {
    lastUserText,
    inputTokens: wants.inputTokens ? inputTokens(api, bytes, fields, estimateTokens) : 0,
    maxOutputTokens: fields.maxCompletionTokens ?? fields.maxOutputTokens,
    turn: wants.turn ? conversation.turn : 0,
    needs: wants.needs ? needsOf(fields) : [],
    hasCode: wants.text && hasCode(lastUserText),
    conversationHash: wants.conversation ? conversationHash(bytes, fields) : undefined,
    namesStored: wants.needs && (fields.namesStored || conversation.hasStoredFiles),
  }
}

function needsOf(fields: PromptFields): readonly Need[] {
  const { conversation } = fields
  const asked = new Set([
    ...fields.tools,
    ...fields.functions,
    ...fields.search,
    ...fields.format,
    ...fields.reasoning,
    ...fields.modalities,
  ])
  if (conversation.images + conversation.lowDetailImages > 0) asked.add('images')
  if (conversation.hasAudio) asked.add('audio')
  if (conversation.hasFiles) asked.add('files')
  return NEEDS.filter((need) => asked.has(need))
}

function inputTokens(api: Api, bytes: Buffer, fields: PromptFields, estimateTokens: EstimateTokens): number {
  const { conversation, system } = fields
  const texts = system.texts.length === 0 ? conversation.texts : [...system.texts, ...conversation.texts]
  return Math.ceil(estimateTokens(bytes, texts) + fields.promptTokens + extraTokens(api, fields))
}

/** Over the text as the client wrote it, escapes included; of long ones their length and what `cappedSpans` leaves. */
function conversationHash(bytes: Buffer, { conversation, system }: PromptFields): string | undefined {
  if (conversation.firstUser.length === 0) return undefined
  const pieces: Buffer[] = []
  for (const spans of [system.texts, conversation.system, conversation.firstUser]) {
    pieces.push(Buffer.from(`${spannedBytes(spans)}\n`))
    const capped = cappedSpans(spans)
    for (let i = 0; i + 1 < capped.length; i += 2) pieces.push(bytes.subarray(capped[i], capped[i + 1]))
  }
  return hash('sha256', Buffer.concat(pieces), 'hex').slice(0, 16)
}
