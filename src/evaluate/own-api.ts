import { parseJson } from '../dialects/json-value.ts'
import { createRedactor } from '../domain/redaction/redactor.ts'
import type { Policy } from '../domain/policy.ts'
import type { AnswerOwn, OwnAnswer, ReadOwnTrace, RecordScores, World } from '../domain/ports.ts'
import { readFeedback } from './feedback.ts'
import { createMinuteLimit } from './minute-limit.ts'

export type OwnApiOptions = {
  readonly world: World
  readonly policy: () => Pick<Policy, 'content' | 'retention'>
  readonly record: RecordScores
  readonly readTrace: ReadOwnTrace
}

/** What one client sends in earnest is far below; a loop gone wild is not. */
const FEEDBACK_PER_KEY = 6_000
const FEEDBACK_PER_MINUTE = 60_000
const READS_PER_KEY = 600

const TRACES = '/understudy/v1/traces/'

/** The paths of the data port that are the proxy's own: feedback, and a client's own traces. */
export function createOwnApi({ world, policy, record, readTrace }: OwnApiOptions): AnswerOwn {
  const mayScore = createMinuteLimit(FEEDBACK_PER_KEY, FEEDBACK_PER_MINUTE)
  const mayRead = createMinuteLimit(READS_PER_KEY, FEEDBACK_PER_MINUTE)
  return async ({ method, path, keySubject, body }) => {
    const now = world.now()
    if (path === '/understudy/v1/feedback') {
      if (method !== 'POST') return fault(405, 'method_not_allowed', 'Feedback is sent with POST.')
      if (!mayScore(keySubject, now)) return fault(429, 'too_many', 'Too much feedback in this minute; send it later.')
      return feedback(body, now)
    }
    if (path.startsWith(TRACES)) {
      if (method !== 'GET') return fault(405, 'method_not_allowed', 'Traces are read with GET.')
      if (!mayRead(keySubject, now)) return fault(429, 'too_many', 'Too many traces in this minute; read them later.')
      return ownTrace(path.slice(TRACES.length), keySubject)
    }
    return undefined
  }

  function feedback(body: Buffer, now: number): Promise<OwnAnswer> | OwnAnswer {
    const { content, retention } = policy()
    const reading = readFeedback(parseJson(body.toString('utf8')), {
      now,
      tracesDays: retention.tracesDays,
      redact: (text) => createRedactor(content.rules).text(text, new Map()),
    })
    if (reading.kind === 'bad') return fault(400, 'bad_feedback', `${reading.message}.`)
    // Answered when the row is in the spool: what was taken is kept.
    return new Promise((resolve) =>
      record({ scores: [reading.score] }, () => resolve({ status: 202, json: { status: 'accepted' } })),
    )
  }

  async function ownTrace(id: string, keySubject: string): Promise<OwnAnswer> {
    const none = fault(404, 'no_trace', 'There is no such trace of this key. It may take a second to come.')
    // Without a key nobody can be told from anybody else.
    if (keySubject === '' || !/^[\da-f-]{36}$/.test(id)) return none
    const read = await readTrace(id)
    if (read.kind === 'unavailable') return fault(503, 'store_unavailable', 'Traces cannot be read just now.')
    return read.trace?.['key_subject'] === keySubject ? { status: 200, json: read.json } : none
  }
}

function fault(status: number, code: string, message: string): OwnAnswer {
  return { status, json: { error: { code, message } } }
}
