import { expect, test } from 'vitest'
import { connectionVerdict, targetVerdict } from '../../src/domain/routing/call-verdict.ts'
import { answered, CANCELLED, CLIENTS_FAULT, UNREACHABLE, WELL } from '../fakes/a-keeper.ts'

const UNAVAILABLE = { kind: 'unavailable', mayHaveRun: false } as const
const verdicts = [
  ['an answer', WELL, 'good', 'good'],
  ['a 500', answered(500, 'error'), 'bad', 'good'],
  ['a lack of capacity (503)', answered(503, 'rate_limit'), 'bad', 'good'],
  ["Anthropic's overloaded (529)", answered(529, 'rate_limit'), 'bad', 'good'],
  ["Groq's capacity (498)", answered(498, 'rate_limit'), 'bad', 'good'],
  ['a 429', answered(429, 'rate_limit'), 'unclear', 'good'],
  ['no credit (402)', answered(402, 'rate_limit'), 'unclear', 'good'],
  ['a 400', CLIENTS_FAULT, 'unclear', 'good'],
  ['a prompt that is too long', answered(400, 'context_window'), 'unclear', 'good'],
  ['a refused prompt', answered(400, 'refusal'), 'unclear', 'good'],
  [
    'an answer that is no JSON',
    { ...WELL, fault: { trigger: 'invalid_json', retryAfterMs: undefined } },
    'good',
    'good',
  ],
  ['no connection', UNREACHABLE, 'bad', 'bad'],
  [
    'no connection in time',
    { outcome: { ...UNAVAILABLE, error: 'connect_timeout' }, fault: { trigger: 'error', retryAfterMs: undefined } },
    'bad',
    'bad',
  ],
  [
    'no answer in time',
    {
      outcome: { ...UNAVAILABLE, error: 'first_byte_timeout' },
      fault: { trigger: 'slow_answer', retryAfterMs: undefined },
    },
    'bad',
    'unclear',
  ],
  [
    'no first token in time',
    {
      outcome: { kind: 'cancelled', status: 200 },
      fault: { trigger: 'slow_first_token', retryAfterMs: undefined },
    },
    'bad',
    'good',
  ],
  [
    'no free slot on our side',
    { outcome: { ...UNAVAILABLE, error: 'overloaded' }, fault: { trigger: 'rate_limit', retryAfterMs: undefined } },
    'unclear',
    'unclear',
  ],
  [
    'a cut answer',
    {
      outcome: { kind: 'interrupted', status: 200, error: 'upstream_cut' },
      fault: { trigger: 'error', retryAfterMs: undefined },
    },
    'bad',
    'good',
  ],
  [
    'overloaded in mid-stream',
    {
      outcome: { kind: 'interrupted', status: 200, error: 'upstream_stream_error' },
      fault: { trigger: 'rate_limit', retryAfterMs: undefined },
    },
    'bad',
    'good',
  ],
  ['a client that left', CANCELLED, 'unclear', 'unclear'],
] as const

test.each(verdicts)('%s: of the target %s …', (_name, call, target, connection) => {
  expect(targetVerdict(call)).toBe(target)
  expect(connectionVerdict(call.outcome)).toBe(connection)
})
