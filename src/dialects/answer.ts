import type { Usage } from '../domain/usage.ts'

/** What an SSE event means for the record; content itself is never looked at further than this needs. */
export type EventMeaning =
  /** Carries content (text, tool arguments, reasoning): the first of these is the first token. */
  | 'token'
  /** The dialect's last word (`[DONE]`, `message_stop`, `response.completed` …): without one, the stream was cut. */
  | 'terminal'
  /** An error reported inside the stream. */
  | 'error'
  | 'other'

/** One SSE event as the wire has it, comments left out. */
export type SseEvent = { readonly event: string | undefined; readonly data: string }

/** What an upstream answer says about itself. Everything is undefined until seen. */
export type Answer = {
  readonly model: string | undefined
  readonly responseId: string | undefined
  /** The provider's own word: `stop`, `length`, `tool_calls`, `end_turn`, `refusal`, `STOP` …; the first choice's where there are several. */
  readonly finishReason: string | undefined
  readonly usage: Usage | undefined
  /** `error.type` (or `error.status`, `error.code`) of an error answer: never its message, which may quote the request. */
  readonly errorType: string | undefined
}

/**
 * Reads one answer of one API, streamed or whole. Total: bytes that are not what the API promises make an
 * `Answer` with less in it, never a throw. `event` must stay cheap: parse JSON only where something is to be kept.
 */
export type AnswerReader = {
  readonly event: (event: SseEvent) => EventMeaning
  /**
   * Of a dialect whose streams have no last word of their own: whether the stream may end here. More may still come,
   * so only the end of the answer itself says that it has ended.
   */
  readonly mayEnd?: () => boolean
  /** A whole (decoded) JSON answer; called at most once, instead of `event`. */
  readonly body: (bytes: Buffer) => void
  /** `isCut`: the stream ended without its terminal event, so usage seen so far is partial. */
  readonly answer: (isCut: boolean) => Answer
}
