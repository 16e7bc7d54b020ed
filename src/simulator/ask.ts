import type { JsonObject } from './json.ts'

/** What a request asks for, whatever the dialect it was written in. */
export type Ask = {
  /** All text of the request in the provider's order (tools, system, turns): what is counted, cached and hashed. */
  readonly prompt: string
  /** Text of the last user turn. */
  readonly question: string
  /** Ends of the prompt's cacheable parts, where the client marked some. */
  readonly cacheMarks: readonly CacheMark[]
  readonly isStream: boolean
  readonly choices: number
  /** Reasoning included. */
  readonly maxTokens: number | undefined
  readonly tools: readonly Tool[]
  /** Whether tools are off, left to the model, demanded, or one is named. */
  readonly toolChoice: 'none' | 'auto' | 'any' | { readonly name: string }
  /** The last turn brings a tool's result: the model answers in words then. */
  readonly isAfterTool: boolean
  /** Schema that the text must follow; an empty one where only JSON is asked for. */
  readonly schema: JsonObject | undefined
  readonly thinks: boolean
  readonly serviceTier: string | undefined
}

/** `length`: characters of the prompt up to the mark. */
export type CacheMark = { readonly length: number; readonly ttl: '5m' | '1h' }

export type Tool = { readonly name: string; readonly schema: JsonObject }

/** One choice of an answer. */
export type Reply = {
  /** Reasoning text; undefined where the model does not reason. */
  readonly thinking: string | undefined
  /** The whole text; undefined where tools are called instead. */
  readonly text: string | undefined
  /** The text again, token by token. */
  readonly pieces: Iterable<string>
  readonly toolCalls: readonly ToolCall[]
  readonly finish: 'stop' | 'length' | 'tool_calls' | 'refusal'
  /** Visible text and tool arguments. */
  readonly visibleTokens: number
  readonly reasoningTokens: number
}

/** `argumentsJson`: the arguments as the model writes them. */
export type ToolCall = { readonly name: string; readonly argumentsJson: string }

/** Tokens in disjoint buckets; each dialect adds them up in its own way. */
export type Spent = {
  readonly uncachedInput: number
  readonly cacheRead: number
  readonly cacheWrite5m: number
  readonly cacheWrite1h: number
  readonly visibleOutput: number
  readonly reasoning: number
}

export type Answered = { readonly replies: readonly [Reply, ...Reply[]]; readonly spent: Spent }

/** What every answer states about itself. */
export type Facts = {
  readonly id: string
  readonly createdSeconds: number
  /** The model's dated name. */
  readonly model: string
  readonly isReasoningModel: boolean
  readonly requestId: string
  /** Another id of this answer (`call_…`, `toolu_…`), `length` characters after the prefix. */
  readonly newId: (prefix: string, length: number) => string
  /** Fixed per answer; for padding and signatures. */
  readonly seed: number
  /** How the provider tells a chat's usage; undefined = as OpenAI does. */
  readonly usage: UsageManner | undefined
}

/** How a chat's usage is told. */
export type UsageManner = {
  readonly shape: (spent: Spent) => JsonObject
  /**
   * Where a stream has it. `asked`: in a chunk of its own, where asked for. `finish`: beside the finish reason. `x_groq`:
   * there too, under that name, and as well in a chunk of its own where asked for. `apart`: in a last chunk with an empty
   * choice. `each`: on every chunk.
   */
  readonly inStream: 'asked' | 'finish' | 'x_groq' | 'apart' | 'each'
}

/** A piece of a stream: one SSE event, its blank line included. */
export type Frame = { readonly text: string; readonly isToken: boolean }
