import { describe, expect, it } from 'vitest'
import { createDemoLedger, differences } from '../../src/cli/demo-ledger.ts'
import type { RecordedRequest } from '../../src/cli/demo-ledger.ts'
import { demoCalls } from '../../src/cli/demo-plan.ts'

/** Two tries of one call, as the clients saw them. */
function aLedger() {
  const ledger = createDemoLedger()
  ledger.sent(4, 0)
  ledger.sent(4, 1)
  ledger.answered(4, 0, 429, 'trace-a')
  ledger.answered(4, 1, 200, 'trace-b')
  ledger.used(4, { inputTokens: 10, outputTokens: 5 })
  return ledger.requests()
}

const REFUSED: RecordedRequest = {
  call: 4,
  retry: 0,
  status: 429,
  traceId: 'trace-a',
  inputTokens: undefined,
  outputTokens: undefined,
}
const ANSWERED: RecordedRequest = {
  call: 4,
  retry: 1,
  status: 200,
  traceId: 'trace-b',
  inputTokens: 10,
  outputTokens: 5,
}

describe("the demo's own account", () => {
  it('agrees with rows that say the same', () => {
    expect(differences(aLedger(), [ANSWERED, REFUSED])).toEqual([])
  })

  it.each([
    ['a lost row', [ANSWERED], ['call 4: sent but not recorded']],
    ['a row twice', [REFUSED, ANSWERED, ANSWERED], ['call 4, retry 1: recorded 2 times']],
    ['a row of nobody', [REFUSED, ANSWERED, { ...ANSWERED, call: 9 }], ['call 9, retry 1: recorded but never sent']],
    [
      'another status',
      [{ ...REFUSED, status: 200 }, ANSWERED],
      ['call 4: the client saw status 429, the row says 200'],
    ],
    [
      'another trace',
      [REFUSED, { ...ANSWERED, traceId: 'trace-c' }],
      ['call 4, retry 1: the client saw trace id trace-b, the row says trace-c'],
    ],
    [
      'lost tokens',
      [REFUSED, { ...ANSWERED, inputTokens: 9, outputTokens: undefined }],
      [
        'call 4, retry 1: the client saw input tokens 10, the row says 9',
        'call 4, retry 1: the client saw output tokens 5, the row says nothing',
      ],
    ],
  ])('finds %s', (_what, rows, found) => {
    expect(differences(aLedger(), rows)).toEqual(found)
  })

  it('takes the word of the row where the client left before it saw any', () => {
    const ledger = createDemoLedger()
    ledger.sent(1, 0)
    expect(differences(ledger.requests(), [{ ...ANSWERED, call: 1, retry: 0 }])).toEqual([])
  })
})

it('the calls of a demo are the same for the same seed, with every kind of trouble among them', () => {
  const calls = demoCalls(1, 200)
  expect(demoCalls(1, 200)).toEqual(calls)
  const troubles = new Set(calls.map(({ trouble }) => trouble))
  expect(troubles.size).toBe(9)
  const inStream = calls.filter(({ trouble }) => ['cut_midway', 'error_midway', 'client_leaves'].includes(trouble))
  expect(inStream.length).toBeGreaterThan(10)
  expect(inStream.filter(({ call }) => call.api === 'embeddings' || !call.body.stream)).toEqual([])
})
