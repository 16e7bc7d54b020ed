import { expect, it } from 'vitest'
import { NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { MIXED_CALLS } from '../fakes/closed-loop.ts'
import { killUnderLoad } from '../fakes/kill-under-load.ts'

const KILLS = 10
const CLIENTS = 12

it('has exactly one row for every answered request after ten SIGKILLs under load', async () => {
  const report = await killUnderLoad(KILLS, CLIENTS)
  expect(report.difference).toEqual(NO_DIFFERENCE)
  expect(report.answered).toBeGreaterThan(KILLS * 300)
  expect(report.failures.filter((why) => !/ECONNREFUSED|ECONNRESET|socket hang up|aborted/.test(why))).toEqual([])
  // The rest were under way when the process died: at most one for each client and kill.
  expect(report.others).toBeLessThanOrEqual(KILLS * CLIENTS)
  expect(report.traces).toBe(report.answered + report.others)
  expect(report.quarantined).toBe(0)
})

it('the same where a fallback answers: every call of every answered request has its row', async () => {
  const report = await killUnderLoad(3, CLIENTS, {
    settings: (upstream) => ({
      providers: {
        openai: { dialect: 'openai', base_url: upstream, include_usage: true },
        anthropic: { dialect: 'anthropic', base_url: upstream },
        // Nobody listens there.
        'gone-openai': { dialect: 'openai', base_url: 'http://127.0.0.1:9', api_key: 'k' },
        'gone-anthropic': { dialect: 'anthropic', base_url: 'http://127.0.0.1:9', api_key: 'k' },
      },
      routes: {
        openai: { match: { mount: 'openai' }, target: 'gone-openai/*', fallbacks: ['openai/*'] },
        anthropic: { match: { mount: 'anthropic' }, target: 'gone-anthropic/*', fallbacks: ['anthropic/*'] },
      },
    }),
    // But for the error: what the first target says when nobody answers is another error than the one expected.
    calls: MIXED_CALLS.filter(({ name }) => name !== 'error').map((call) => ({ ...call, attempts: undefined })),
  })
  expect(report.difference).toEqual(NO_DIFFERENCE)
  expect(report.answered).toBeGreaterThan(300)
  expect(report.traces).toBe(report.answered + report.others)
  expect(report.quarantined).toBe(0)
})
