import { describe, expect, onTestFinished, test } from 'vitest'
import type { Shadow } from '../../src/domain/shadow/shadow.ts'
import { aModel, judgeHabits } from '../../src/simulator/model.ts'
import { aSimulator } from '../fakes/a-simulator.ts'
import { aScoreWorker } from '../fakes/a-score-worker.ts'
import { aShadow, type MirrorRecord, startMirrored } from '../fakes/a-shadow.ts'
import type { TestProxy } from '../fakes/proxy.ts'

const models = [
  aModel('stable', { outputTokens: { min: 20, max: 20 } }),
  aModel('candidate', { outputTokens: { min: 30, max: 30 } }),
]
const simulator = aSimulator({ models })

async function mirrored(
  shadow: Partial<Shadow>,
  changes: Parameters<typeof startMirrored>[2] = {},
): Promise<MirrorRecord & { readonly proxy: TestProxy }> {
  simulator().forgetRequests()
  const started = await startMirrored(simulator().url, [aShadow(shadow)], changes)
  onTestFinished(() => started.close())
  return started
}

const chat = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  model: 'stable',
  messages: [{ role: 'user', content: 'What is 17 + 25?' }],
  ...changes,
})

function ask(
  { proxy }: { readonly proxy: TestProxy },
  body: Record<string, unknown>,
  headers: Record<string, string> = {},
  path = '/v1/chat/completions',
): Promise<Response> {
  return fetch(proxy.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sk-client', ...headers },
    body: JSON.stringify(body),
  })
}

describe('a mirrored request', () => {
  test('is answered by the candidate too, and both answers are handed over to be compared', async () => {
    const run = await mirrored({})
    const live = await (await ask(run, chat(), { 'x-understudy-task': 'math' })).text()
    await run.settled(1)
    const [pair] = run.pairs
    expect(pair).toMatchObject({ comparison: 'trial', isControl: false, task: 'math', api: 'chat_completions' })
    expect(pair?.stable.body.toString()).toBe(live)
    expect(JSON.parse(String(pair?.candidate.body))).toMatchObject({ model: 'candidate' })
    const [exchange] = run.proxy.exchanges
    expect(pair?.traceId).toBe(exchange?.request.id)
    expect(pair?.stable.attemptId).toBe(exchange?.attempts[0]?.id)
    expect(run.calls).toMatchObject([
      {
        role: 'shadow',
        shadow: { name: 'trial', arm: 'candidate', pairedWith: exchange?.attempts[0]?.id },
        outcome: { kind: 'completed', status: 200 },
        cost: { kind: 'priced' },
      },
    ])
    expect(exchange?.attempts.map(({ role }) => role)).toEqual(['primary'])
  })

  test('reaches the candidate with the server key, without a trace of the client, and unstored', async () => {
    const run = await mirrored({ match: { apis: ['responses'] } })
    await ask(run, { model: 'stable', input: 'Hello', store: true }, { cookie: 'id=1' }, '/v1/responses').then((r) =>
      r.text(),
    )
    await run.settled(1)
    const sent = simulator()
      .requests()
      .find(({ body }) => String(body).includes('candidate'))
    expect(sent?.header('authorization')).toBe('Bearer sk-server')
    expect(sent?.header('cookie')).toBeUndefined()
    expect(JSON.parse(String(sent?.body))).toMatchObject({ model: 'candidate', store: false })
    expect(run.count('compared')).toBe(1)
  })

  test('is streamed where the live answer was, so that the time to its first token is known', async () => {
    const run = await mirrored({})
    await (await ask(run, chat({ stream: true }))).text()
    await run.settled(1)
    expect(run.pairs[0]?.candidate.body.toString()).toContain('data: [DONE]')
    expect(run.calls[0]).toMatchObject({
      firstTokenMs: expect.any(Number),
      usage: { textOutputTokens: expect.any(Number) },
    })
  })

  test('goes to the stable model again for the A/A share', async () => {
    const run = await mirrored({ aaShare: 1 })
    await (await ask(run, chat())).text()
    await run.settled(1)
    expect(run.pairs[0]).toMatchObject({
      isControl: true,
      candidate: { target: { provider: 'openai', model: 'stable' } },
    })
    expect(run.calls[0]?.shadow?.arm).toBe('aa')
  })

  test('is mirrored although the stable model failed', async () => {
    const run = await mirrored({})
    const live = await ask(run, chat(), { 'x-sim-fault': 'status@500' })
    await live.text()
    await run.settled(1)
    expect(run.pairs[0]).toMatchObject({ stable: { status: 500 }, candidate: { status: 200 } })
  })

  test.each([
    [
      'the Anthropic dialect',
      'anthropic',
      '/v1/messages',
      { max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] },
    ],
    ['legacy completions', 'openai', '/v1/completions', { prompt: 'Hi' }],
  ] as const)('works in %s', async (_, dialect, path, body) => {
    simulator().setModel('stable', { does: path.endsWith('/completions') ? 'completion' : 'chat' })
    simulator().setModel('candidate', { does: path.endsWith('/completions') ? 'completion' : 'chat' })
    onTestFinished(() => {
      simulator().setModel('stable', { does: 'chat' })
      simulator().setModel('candidate', { does: 'chat' })
    })
    const target = { key: `${dialect}/candidate`, provider: dialect, model: 'candidate' }
    const run = await mirrored(
      { dialect, candidates: [target] },
      { provider: { auth: dialect === 'openai' ? 'bearer' : 'x-api-key' } },
    )
    await (await ask(run, { model: 'stable', ...body }, { 'anthropic-version': '2023-06-01' }, path)).text()
    await run.settled(1)
    expect(run.mirror.totals()).toContainEqual(expect.objectContaining({ stage: 'compared', requests: 1 }))
  })
})

test.each([
  ['plain', 'generateContent', 'candidates'],
  ['as events', 'streamGenerateContent?alt=sse', 'data: '],
  ['as an array', 'streamGenerateContent', '['],
])(
  'a Gemini request is mirrored and compared, %s, its model in the path and the key of the server',
  async (_, operation, begins) => {
    const target = { key: 'gemini/candidate', provider: 'gemini', model: 'candidate' }
    const { worker, pairs, compare } = aScoreWorker(simulator().url, undefined)
    const run = await mirrored(
      { dialect: 'gemini', candidates: [target] },
      {
        dialects: ['gemini'],
        provider: { auth: 'x-goog-api-key' },
        mirror: { compare: (pair, settled) => void compare(pair).then(settled) },
      },
    )
    const body = { contents: [{ role: 'user', parts: [{ text: 'What is 17 + 25?' }] }] }
    const live = await ask(run, body, { 'x-goog-api-key': 'of-the-client' }, `/v1beta/models/stable:${operation}`)
    expect(await live.text()).toContain(begins)
    await run.settled(1)
    await worker.idle()
    expect(run.count('compared')).toBe(1)
    const sent = simulator()
      .requests()
      .find(({ path }) => path.includes('candidate'))
    expect(sent?.path).toBe(`/v1beta/models/candidate:${operation}`)
    expect(sent?.header('x-goog-api-key')).toBe('sk-server')
    expect(run.calls).toMatchObject([{ outcome: { kind: 'completed' }, cost: { kind: 'priced' }, usage: {} }])
    const answered = pairs.find(({ evaluator }) => evaluator === 'answered')
    expect(answered).toMatchObject({ stable: { value: 1 }, candidate: { value: 1 } })
    expect(answered?.candidate.chars).toBeGreaterThan(0)
  },
)

describe('where candidates get redacted prompts', () => {
  const secret = 'mail me@example.com, what is 17 + 25?'
  const sentTo = (model: string): readonly string[] =>
    simulator()
      .requests()
      .map(({ body }) => String(body))
      .filter((body) => body.includes(`"model":"${model}"`))

  test('the candidate never sees what content.redact names, nor does the judge, and the pair says so', async () => {
    simulator().setModel('judge-fair', { judges: judgeHabits() })
    const { worker, pairs, compare } = aScoreWorker(simulator().url)
    const run = await mirrored(
      { redactsCandidate: true },
      { mirror: { compare: (pair, settled) => void compare(pair).then(settled) } },
    )
    await (await ask(run, chat({ messages: [{ role: 'user', content: secret }] }))).text()
    await run.settled(1)
    await worker.idle()
    expect(sentTo('stable')[0]).toContain('me@example.com')
    expect(JSON.parse(sentTo('candidate')[0] ?? '')).toEqual({
      model: 'candidate',
      messages: [{ role: 'user', content: 'mail [redacted:email], what is 17 + 25?' }],
    })
    expect(sentTo('judge-fair')).toHaveLength(2)
    expect(sentTo('judge-fair').every((body) => body.includes('[redacted:email]'))).toBe(true)
    expect(sentTo('judge-fair').some((body) => body.includes('me@example.com'))).toBe(false)
    expect(pairs.map(({ isRedacted }) => isRedacted)).not.toContain(false)
  })

  test('what holds nothing of the kind goes as it came, and so does the second answer of the stable model', async () => {
    const plain = await mirrored({ redactsCandidate: true })
    await (await ask(plain, chat())).text()
    await plain.settled(1)
    expect(plain.pairs[0]?.isRedacted).toBe(false)
    const control = await mirrored({ redactsCandidate: true, aaShare: 1 })
    await (await ask(control, chat({ messages: [{ role: 'user', content: secret }] }))).text()
    await control.settled(1)
    expect(control.pairs[0]?.isRedacted).toBe(false)
    expect(sentTo('stable').every((body) => body.includes('me@example.com'))).toBe(true)
  })

  test('a request that would lose its picture is not mirrored', async () => {
    const run = await mirrored({ redactsCandidate: true })
    const url = `data:image/png;base64,${'A'.repeat(2_000)}`
    const content = [
      { type: 'text', text: secret },
      { type: 'image_url', image_url: { url } },
    ]
    await (await ask(run, chat({ messages: [{ role: 'user', content }] }))).text()
    await run.settled(1)
    expect(run.count('skipped', 'not_redactable')).toBe(1)
  })
})

describe('the funnel', () => {
  test('says for every request that matched what became of it, and its sums are exact', async () => {
    const run = await mirrored({ sample: 0.5, aaShare: 0.2, maxConcurrent: 2, maxQueued: 2 })
    const answers = Array.from({ length: 60 }, (_, i) => {
      const headers: Record<string, string> = i % 10 === 0 ? { 'x-understudy-shadow': 'off' } : {}
      const tools = i % 7 === 0 ? { tools: [{ type: 'web_search' }] } : {}
      return ask(run, chat({ user: String(i), ...tools }), headers).then((answer) => answer.text())
    })
    await Promise.all(answers)
    await run.settled(60)
    run.mirror.close()
    const of = (stage: string): number =>
      run.rows.filter((row) => row.stage === stage).reduce((sum, { requests }) => sum + requests, 0)
    expect(of('eligible')).toBe(60)
    expect(of('eligible')).toBe(of('mirrored') + of('skipped'))
    expect(of('mirrored')).toBe(of('compared') + of('failed'))
    expect(run.count('skipped', 'header_off')).toBe(6)
    expect(run.count('skipped', 'not_sampled')).toBeGreaterThan(10)
    expect(run.count('skipped', 'hosted_tools')).toBeGreaterThan(0)
    expect(run.count('compared')).toBeGreaterThan(0)
  })

  test('leaves out what the shadow is not about', async () => {
    const run = await mirrored({ match: { models: ['other'] } })
    await (await ask(run, chat())).text()
    await run.proxy.recorded(1)
    expect(run.mirror.totals()).toEqual([])
  })

  test('counts a client that left, and calls nobody for it', async () => {
    simulator().setModel('stable', { firstByteMs: 200 })
    onTestFinished(() => simulator().setModel('stable', { firstByteMs: 0 }))
    const run = await mirrored({})
    const leaving = new AbortController()
    const asked = fetch(`${run.proxy.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(chat()),
      signal: leaving.signal,
    })
    await simulator().nextRequest()
    leaving.abort()
    await expect(asked).rejects.toThrow('aborted')
    await run.settled(1)
    expect(run.count('skipped', 'client_disconnected')).toBe(1)
    expect(run.calls).toEqual([])
  })

  test('has one request of a client with all the tries of its SDK once', async () => {
    const run = await mirrored({})
    await (await ask(run, chat(), { 'x-sim-fault': 'status@500' })).text()
    await run.settled(1)
    await (await ask(run, chat(), { 'x-stainless-retry-count': '1' })).text()
    await run.settled(2)
    // The same prompt asked anew is another request.
    await (await ask(run, chat(), { 'x-stainless-retry-count': '0' })).text()
    await run.settled(3)
    expect(run.count('skipped', 'sdk_retry_duplicate')).toBe(1)
    expect(run.count('compared')).toBe(2)
  })

  test('shows why a shadow never fires: no key of the server, no price, a provider that may not see prompts', async () => {
    const keyless = await mirrored({}, { provider: { apiKey: undefined } })
    await (await ask(keyless, chat())).text()
    await keyless.settled(1)
    expect(keyless.count('skipped', 'no_key')).toBe(1)
    const unpriced = await mirrored({}, { prices: [] })
    await (await ask(unpriced, chat())).text()
    await unpriced.settled(1)
    expect(unpriced.count('skipped', 'unpriced')).toBe(1)
    const stranger = await mirrored({ providers: new Set(['anthropic']) })
    await (await ask(stranger, chat())).text()
    await stranger.settled(1)
    expect(stranger.count('skipped', 'provider_not_allowed')).toBe(1)
  })
})
