import { expect, test } from 'vitest'
import { configNotices } from '../../src/compose/config-notices.ts'
import { logReload } from '../../src/compose/log-reload.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { configOf } from '../fakes/a-config.ts'

const NOW = Date.UTC(2026, 10, 20)
const BUDGET = 'budget: { per_hour: 1, per_day: 1 }'

function noticesOf(text: string, environment: Readonly<Record<string, string>> = {}): readonly string[] {
  const { policy } = configOf(text, environment)
  return configNotices(policy, createPriceBook(policy).price, NOW)
}

test('a file whose calls can all be paid and priced is told nothing', () => {
  const text = `
    providers: { openai: { api_key: sk-1 }, house: { dialect: openai, base_url: 'http://10.0.0.7', auth: none } }
    routes: { chat: { match: { model: gpt-4o }, strategy: balance, targets: [openai/gpt-4o, 'house/*'], fallbacks: [openai/text-embedding-3-small] } }
    shadows: { cheap: { match: { model: gpt-4o }, sample: 10%, candidates: [house/llama], ${BUDGET} } }
    judge: { target: openai/gpt-5.1, ${BUDGET} }
    prices: [{ provider: house, model: llama, input: 0.1, output: 0.4 }]`
  expect(noticesOf(text)).toEqual([])
})

test('a shadow without a key of the server is told that it will mirror nothing, and a judge that it will not be asked', () => {
  const text = `
    providers: { openai: {}, anthropic: { api_key: '\${KEY:-}' } }
    shadows: { cheap: { match: { model: gpt-4o }, sample: 10%, candidates: [openai/gpt-4o-mini], ${BUDGET} } }
    judge: { target: anthropic/claude-sonnet-4-5, ${BUDGET} }`
  const wants = (provider: string) =>
    `calls that no client pays for need providers.${provider}.api_key, which is not set`
  expect(noticesOf(text)).toEqual([
    `shadow cheap: nothing is mirrored to openai/gpt-4o-mini: ${wants('openai')}`,
    `judge: anthropic/claude-sonnet-4-5 is not asked: ${wants('anthropic')}`,
  ])
})

test('what no price is known for is told: a judge and candidates are not asked, of a route the cost is unknown', () => {
  const text = `
    providers: { openai: { api_key: sk-1 }, openrouter: { api_key: sk-2 } }
    routes: { chat: { match: { model: gpt-4o }, strategy: weighted, targets: [{ target: openai/gpt-4oo, weight: 1 }, { target: openrouter/nobody/knows, weight: 1 }] } }
    rollouts: { mini: { route: chat, stable: openai/gpt-4oo, candidate: openai/gpt-4o-minni } }
    judge: { target: openai/my-judge, ${BUDGET} }`
  const none = 'no price is known for it (give it one in `prices:`, or mind its spelling)'
  expect(noticesOf(text)).toEqual([
    `rollout mini: nothing is mirrored to openai/gpt-4o-minni: ${none}`,
    `judge: openai/my-judge is not asked: ${none}`,
    `route chat: what openai/gpt-4oo costs will be unknown: ${none}`,
    `route chat: what openai/gpt-4o-minni costs will be unknown: ${none}`,
  ])
})

test('an edit of the file that asks for something in vain says so in the log, beside that it is in force', () => {
  const lines: [level: string, event: string, notice: unknown][] = []
  const to = (level: string) => (event: string, fields?: Readonly<Record<string, unknown>>) =>
    void lines.push([level, event, fields?.['notice']])
  const log = { info: to('info'), warn: to('warn'), error: to('error') }
  const { policy } = configOf(`{ providers: { openai: { api_key: sk-1 } }, judge: { target: openai/mine, ${BUDGET} } }`)
  logReload(log, { kind: 'applied', version: 'v', restartNeeded: [] }, 'file', { policy, at: NOW })
  expect(lines).toEqual([
    ['info', 'policy_applied', undefined],
    ['warn', 'policy_notice', expect.stringMatching(/^judge: openai\/mine is not asked: no price/)],
  ])
})
