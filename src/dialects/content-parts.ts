import type { SseEvent } from './answer.ts'
import type { TextBudget } from './bounded-text.ts'
import type { JsonRecord } from './json-value.ts'

/** A tool that the model asks its client to run; what a provider runs by itself (web search) is none. */
export type ToolCall = {
  readonly name: string
  /** The arguments as JSON, as the model wrote them where the dialect keeps that, else written anew. */
  readonly argumentsText: string
}

/** Collects the content of one answer of one API. Total, as `AnswerReader` is. */
export type ContentReader = {
  readonly event: (event: SseEvent) => void
  readonly body: (whole: JsonRecord) => void
  /** The stream has ended, wherever it did. */
  readonly end?: () => void
}

/** What an answer is put together from, piece by piece. Pieces that are no text are passed over. */
export type ContentParts = {
  readonly addText: (piece: unknown) => void
  readonly addRefusal: (piece: unknown) => void
  /** A call told by `key`: named once, its arguments in any number of pieces. */
  readonly addCall: (key: string, name: unknown, argumentsPiece: unknown) => void
  /** More arguments of a call that `addCall` has opened; those of no open call are not the client's to run. */
  readonly continueCall: (key: string, argumentsPiece: unknown) => void
  /** Replaces what `addCall` gathered of a call's arguments, for dialects that write them anew. */
  readonly rewriteCall: (key: string, rewrite: (written: string) => string) => void
  readonly all: () => {
    readonly text: string
    readonly toolCalls: readonly ToolCall[]
    readonly refusal: string | undefined
  }
}

/** More calls than any answer makes at once. */
const MAX_CALLS = 256

type OpenCall = { name: string; argumentPieces: string[] }

export function createContentParts(budget: TextBudget): ContentParts {
  const textPieces: string[] = []
  const refusalPieces: string[] = []
  const calls = new Map<string, OpenCall>()

  const callAt = (key: string): OpenCall | undefined => {
    const known = calls.get(key)
    if (known !== undefined) return known
    if (calls.size === MAX_CALLS) {
      budget.exceed()
      return undefined
    }
    const opened: OpenCall = { name: '', argumentPieces: [] }
    calls.set(key, opened)
    return opened
  }

  return {
    addText: (piece) => void textPieces.push(budget.take(piece)),
    addRefusal: (piece) => {
      // Servers send null or '' where nothing was refused.
      if (piece !== '' && typeof piece === 'string') refusalPieces.push(budget.take(piece))
    },
    addCall: (key, name, argumentsPiece) => {
      const call = callAt(key)
      if (call === undefined) return
      if (call.name === '') call.name = budget.take(name)
      call.argumentPieces.push(budget.take(argumentsPiece))
    },
    continueCall: (key, argumentsPiece) => void calls.get(key)?.argumentPieces.push(budget.take(argumentsPiece)),
    rewriteCall: (key, rewrite) => {
      const call = calls.get(key)
      if (call !== undefined) call.argumentPieces = [rewrite(call.argumentPieces.join(''))]
    },
    all: () => ({
      text: textPieces.join(''),
      toolCalls: [...calls.values()].map(({ name, argumentPieces }) => ({
        name,
        argumentsText: argumentPieces.join(''),
      })),
      refusal: refusalPieces.length === 0 ? undefined : refusalPieces.join(''),
    }),
  }
}
