import { performance } from 'node:perf_hooks'
import { promptFacts } from '../../src/dialects/prompt-facts.ts'
import { readBody } from '../../src/dialects/read-body.ts'
import { decideRoute } from '../../src/domain/routing/decide-route.ts'
import { readFacts } from '../../src/domain/routing/read-facts.ts'
import { routerOf } from '../../src/domain/routing/router.ts'
import type { LlmRequest } from '../../src/domain/request.ts'
import type { RoutingState } from '../../src/domain/state.ts'
import { configOf } from '../fakes/a-config.ts'

/**
 * What deciding costs: 50 routes with 60 targets, the last of which takes the request, on prompts of several kinds and
 * sizes. `facts` is reading the prompt and the labels, `decide` the decision itself, `both` what a request pays. Every
 * call is timed in five rounds and its best counts, so that what others do on the machine is left out; so is collecting
 * garbage, which the last column has: the mean over everything.
 */
const ROUTES = 50
const LAST = `r${ROUTES - 1}`
const CALLS = 4_000
const ROUNDS = 5

const policy = configOf(policyText()).policy
const state: RoutingState = { policy, policyVersion: '0123456789abcdef' }
const router = routerOf(policy.routing)
const health = Object.fromEntries(
  Array.from({ length: 60 }, (_, index) => [`p${index % 6}/m${index}`, 'healthy'] as const),
)

const prompts: Readonly<Record<string, string>> = {
  '2 KB prompt': 'Please look at the invoice of last month and tell me what is wrong with it. '
    .repeat(26)
    .slice(0, 2000),
  '2 KB, 20 turns': '',
  '100 KB of one letter': 'a'.repeat(100_000),
  '1 MB document': 'The quick brown fox jumps over the lazy dog, again and again.\n'.repeat(16_000),
  // Each one is looked at, here and wherever else the body is read.
  '1 MB full of quotes': 'The quick brown fox jumps over the lazy dog; "so it is".\n'.repeat(18_000),
}

console.log(`${ROUTES} routes, 60 targets, ${CALLS} calls each; microseconds`)
for (const [name, text] of Object.entries(prompts)) {
  const messages =
    text === ''
      ? Array.from({ length: 20 }, (_, turn) => ({
          role: turn % 2 === 0 ? 'user' : 'assistant',
          content: 'Some words. '.repeat(8),
        }))
      : [
          { role: 'system', content: 'You are a helpful assistant.' },
          { role: 'user', content: text },
        ]
  measure(name, Buffer.from(JSON.stringify({ model: 'gpt-4o', messages, max_tokens: 500 })))
}

function measure(name: string, body: Buffer): void {
  const asked = requestOf(body)
  const calls = body.length > 500_000 ? CALLS / 20 : CALLS
  const best = { facts: forever(calls), decide: forever(calls), both: forever(calls) }
  let sumUs = 0
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (let call = 0; call < calls; call++) {
      const request = { ...asked, controls: { ...asked.controls, session: `s${call}` } }
      const start = performance.now()
      const prompt = router.reads === undefined ? undefined : promptFacts(request.api, body, router.reads)
      const facts = readFacts(request, () => undefined, prompt, router, 1_795_000_000_000 + call)
      const read = performance.now()
      const decision = decideRoute(facts, state, health, () => undefined)
      const end = performance.now()
      if (decision.route !== LAST) throw new Error(`expected the last route, found ${decision.route}`)
      if (round === 0) continue
      sumUs += (end - start) * 1000
      keepLess(best.facts, call, (read - start) * 1000)
      keepLess(best.decide, call, (end - read) * 1000)
      keepLess(best.both, call, (end - start) * 1000)
    }
  }
  const columns = Object.entries(best).map(([part, values]) => `${part} p50 ${at(values, 0.5)} p99 ${at(values, 0.99)}`)
  console.log(`${name.padEnd(22)} ${columns.join('   ')}   mean ${(sumUs / calls / ROUNDS).toFixed(1)}`)
}

function forever(count: number): Float64Array {
  return new Float64Array(count).fill(Number.POSITIVE_INFINITY)
}

function keepLess(values: Float64Array, index: number, value: number): void {
  if (value < (values[index] ?? 0)) values[index] = value
}

function at(values: Float64Array, quantile: number): string {
  const sorted = values.toSorted()
  return (sorted[Math.floor(sorted.length * quantile)] ?? 0).toFixed(1).padStart(6)
}

function requestOf(body: Buffer): LlmRequest {
  const reading = readBody('chat_completions', body, false)
  return {
    provider: 'p0',
    dialect: 'openai',
    api: 'chat_completions',
    upstreamPath: '/v1/chat/completions',
    path: '/v1/chat/completions',
    id: '01a1f911-5188-7c72-a105-cf8427e19a66',
    method: 'POST',
    model: reading.model,
    isStream: false,
    requestBytes: body.length,
    controls: {
      route: undefined,
      session: undefined,
      user: undefined,
      team: 'acme',
      tags: { app: 'bench' },
      task: undefined,
    },
    client: {
      keySubject: '0123456789abcdef',
      userAgent: '',
      sdkRetry: undefined,
      sdkTimeoutSeconds: undefined,
      traceParent: undefined,
    },
    shape: reading.shape,
  }
}

/** Every route but the last fails at its last condition, or close to it. */
function policyText(): string {
  const providers = Array.from(
    { length: 6 },
    (_, p) => `  p${p}: { dialect: openai, base_url: 'https://p${p}.example', api_key: k }`,
  )
  const routes = Array.from({ length: ROUTES - 1 }, (_, r) => {
    const match = [
      `model: [gpt-4*, o${r}]`,
      `team: [acme, t${r}*]`,
      `tags: { app: [x${r}, b*h] }`,
      'input_tokens: { from: 1 }',
      'hours: { between: 00:00-24:00, zone: Europe/Berlin }',
      `headers: { x-env: e${r} }`,
    ]
    return `  r${r}: { match: { ${match.join(', ')} }, target: p${r % 6}/m${r}, fallbacks: p${(r + 1) % 6}/m${r + 1} }`
  })
  const weighted = Array.from({ length: 11 }, (_, t) => `{ target: p${(49 + t) % 6}/m${49 + t}, weight: ${t + 1} }`)
  const labels = ['billing', 'technical', 'account'].map(
    (task) =>
      `    - { label: ${task}, when: { keywords: [${task}, ${task}s, zebra crossing], pattern: '\\b(eur|usd) ?\\d+' } }`,
  )
  return `providers:
${providers.join('\n')}
routes:
${routes.join('\n')}
  ${LAST}: { targets: [${weighted.join(', ')}] }
labels:
  task_types: [billing, technical, account]
  task:
${labels.join('\n')}
`
}
