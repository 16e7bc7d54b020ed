import { asRecord } from '../dialects/json-value.ts'
import { type Score, scoreRevision, timeOfId } from '../domain/score.ts'
import type { EpochMs } from '../domain/units.ts'

/** What an application or a person says of an answer, or why it cannot be taken. */
export type FeedbackReading =
  | { readonly kind: 'ok'; readonly score: Score }
  | { readonly kind: 'bad'; readonly message: string }

export type FeedbackRules = {
  readonly now: EpochMs
  /** Days that traces are kept: what is older can be about none. */
  readonly tracesDays: number
  /** Takes out of a comment what must not be stored. */
  readonly redact: (text: string) => string
}

const DAY_MS = 86_400_000
/** Clocks of several proxies differ. */
const CLOCK_SLACK_MS = 3_600_000
const MAX_COMMENT_CHARS = 1_000
const KEYS = ['trace_id', 'score', 'thumbs', 'label', 'name', 'comment', 'source']

/** Words that say what a score does. */
const LABELS: Readonly<Record<string, number>> = {
  good: 1,
  correct: 1,
  pass: 1,
  accepted: 1,
  ok: 0.5,
  partial: 0.5,
  bad: 0,
  incorrect: 0,
  fail: 0,
  rejected: 0,
}

/** Reads the body of a feedback request. Total: whatever the body is, it is a score or a sentence that teaches. */
export function readFeedback(value: unknown, { now, tracesDays, redact }: FeedbackRules): FeedbackReading {
  const body = asRecord(value)
  if (body === undefined) return bad('expected a JSON object with trace_id and one of score, thumbs and label')
  const unknown = Object.keys(body).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) return bad(`unknown field "${unknown.slice(0, 40)}"; known: ${KEYS.join(', ')}`)
  const { trace_id: traceId, name = 'feedback', comment = '', source = 'application' } = body
  if (typeof traceId !== 'string' || !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(traceId)) {
    return bad('trace_id: expected the value of the response header x-understudy-trace-id')
  }
  const madeAt = timeOfId(traceId)
  if (madeAt === undefined || madeAt > now + CLOCK_SLACK_MS || madeAt < now - tracesDays * DAY_MS) {
    return bad('trace_id: expected the id of a request that is still kept; this one was never given by this proxy')
  }
  if (typeof name !== 'string' || !/^[A-Za-z][\w.-]{0,63}$/.test(name)) {
    return bad('name: expected at most 64 letters, digits, ., - and _, a letter first')
  }
  if (source !== 'application' && source !== 'human') return bad('source: expected "application" or "human"')
  if (typeof comment !== 'string') return bad('comment: expected a text')
  const given = valueOf(body)
  if (given.kind === 'bad') return given
  return {
    kind: 'ok',
    score: {
      traceId,
      attemptId: undefined,
      source,
      evaluator: name,
      version: '1',
      revision: scoreRevision(0, now),
      scoredAt: now,
      value: given.value,
      failure: given.value === undefined ? 'label' : undefined,
      explanation: [given.label, redact(comment.slice(0, 4 * MAX_COMMENT_CHARS))]
        .filter((text) => text !== '')
        .join(': '),
      picoUsd: 0n,
      about: { route: undefined, task: undefined, arm: undefined, target: undefined, policyVersion: undefined },
    },
  }
}

type Given =
  | { readonly kind: 'given'; readonly value: number | undefined; readonly label: string }
  | Extract<FeedbackReading, { kind: 'bad' }>

function valueOf({ score, thumbs, label }: Readonly<Record<string, unknown>>): Given {
  if ([score, thumbs, label].filter((given) => given !== undefined).length !== 1) {
    return bad('expected exactly one of score, thumbs and label')
  }
  if (thumbs !== undefined) {
    if (thumbs !== 'up' && thumbs !== 'down') return bad('thumbs: expected "up" or "down"')
    return { kind: 'given', value: thumbs === 'up' ? 1 : 0, label: '' }
  }
  if (label !== undefined) {
    if (typeof label !== 'string' || !/^[a-z][a-z\d_-]{0,63}$/.test(label)) {
      return bad('label: expected a word of at most 64 lower-case letters, digits, - and _')
    }
    return { kind: 'given', value: Object.hasOwn(LABELS, label) ? LABELS[label] : undefined, label }
  }
  if (typeof score !== 'number' || !(score >= 0 && score <= 1)) return bad('score: expected a number from 0 to 1')
  return { kind: 'given', value: score, label: '' }
}

function bad(message: string): Extract<FeedbackReading, { kind: 'bad' }> {
  return { kind: 'bad', message }
}
