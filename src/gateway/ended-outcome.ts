import type { Answer } from '../dialects/answer.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { AnswerForm, Capture } from './capture.ts'

/** An answer whose connection has said that it is over. */
export type EndedAnswer = {
  readonly status: number
  readonly form: AnswerForm
  readonly capture: Pick<Capture, 'events' | 'mayEnd' | 'hasStreamError'> | undefined
}

/** Whether it is a stream that has not said its last word. Known for certain once the capture has finished. */
export function lacksEnd({ status, form, capture }: EndedAnswer): boolean {
  if (form === 'plain' || capture?.events() === undefined || status >= 400) return false
  return !capture.mayEnd() && !capture.hasStreamError()
}

/** What became of the call; `answer` is what was read of it. */
export function endedOutcome(ended: EndedAnswer, answer: Answer): AttemptOutcome {
  const { status, form, capture } = ended
  if (status >= 400) return { kind: 'refused', status, error: 'upstream_error', errorType: answer.errorType }
  if (form !== 'plain' && capture?.hasStreamError() === true) {
    return { kind: 'refused', status, error: 'upstream_stream_error', errorType: answer.errorType }
  }
  // A plain answer may report its failure with a 200 too: a response whose `status` is `failed`.
  if (form === 'plain' && answer.errorType !== undefined) {
    return { kind: 'refused', status, error: 'upstream_error', errorType: answer.errorType }
  }
  return lacksEnd(ended) ? { kind: 'interrupted', status, error: 'no_terminal_event' } : { kind: 'completed', status }
}
