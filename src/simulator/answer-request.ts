import type { Answered, Ask, Facts, Reply } from './ask.ts'
import type { Canned } from './canned.ts'
import { CANNED_ID } from './canned.ts'
import { composeReply, type ReplyContext } from './compose-reply.ts'
import type { TextEndpoint } from './endpoints.ts'
import { isObject, type JsonObject } from './json.ts'
import type { PromptCache } from './prompt-cache.ts'

/** More choices than this are not made. */
const MAX_CHOICES = 8

/** What the model answers, with its bill. */
export function answerAsk(ask: Ask, context: ReplyContext, cache: PromptCache): Answered {
  const { model } = context
  const first = composeReply(ask, context, 0)
  const others: Reply[] = []
  for (let choice = 1; choice < Math.min(ask.choices, MAX_CHOICES); choice += 1)
    others.push(composeReply(ask, context, choice))
  const replies: readonly [Reply, ...Reply[]] = [first, ...others]
  const input = ask.cacheMarks.length > 0 ? cache.marked(model.name, ask) : cache.automatic(model.name, ask)
  return {
    replies,
    spent: {
      ...input,
      visibleOutput: replies.reduce((sum, reply) => sum + reply.visibleTokens, 0),
      reasoning: replies.reduce((sum, reply) => sum + reply.reasoningTokens, 0),
    },
  }
}

/** A request that a canned model answers from its prepared bytes: nothing in it shapes the answer but the prompt. */
export function isPlain(ask: Ask): boolean {
  return ask.tools.length === 0 && ask.schema === undefined && ask.choices === 1 && !ask.thinks
}

export type CannedCall = {
  readonly path: string
  readonly endpoint: TextEndpoint
  readonly body: JsonObject
  readonly facts: Facts
  readonly context: ReplyContext
  readonly cache: PromptCache
}

/** The prepared answer, whole or all frames in one text, told apart by their separator. */
export function cannedText(canned: Canned, { path, endpoint, body, facts, context, cache }: CannedCall): string {
  const isStream = body['stream'] === true
  const options = isObject(body['stream_options']) ? body['stream_options'] : {}
  const asked = `${options['include_usage'] === true}/${options['include_obfuscation'] !== false}/${body['alt'] === 'sse'}`
  const shape = isStream ? asked : 'whole'
  return canned.text(`${context.model.name}${path}/${shape}`, facts.createdSeconds, facts.id, () => {
    const prepared = { ...facts, id: CANNED_ID }
    const plain = isStream ? { stream: true, stream_options: options, alt: body['alt'] } : {}
    const answered = answerAsk({ ...CANNED_ASK, isStream }, context, cache)
    if (!isStream) return endpoint.whole(answered, prepared, plain)
    return [...endpoint.frames(answered, prepared, plain)].map(({ text }) => text).join('')
  })
}

const CANNED_ASK: Ask = {
  prompt: 'canned',
  question: 'canned',
  cacheMarks: [],
  isStream: false,
  choices: 1,
  maxTokens: undefined,
  tools: [],
  toolChoice: 'none',
  isAfterTool: false,
  schema: undefined,
  thinks: false,
  serviceTier: undefined,
}
