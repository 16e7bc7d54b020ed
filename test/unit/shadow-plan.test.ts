import { randomUUIDv7 } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import { type MirrorContent, type MirrorFacts, mayMirrorNow, mirrorPlans } from '../../src/domain/shadow/mirror-plan.ts'
import { learned, projectedUsage } from '../../src/domain/shadow/projection.ts'
import { readyShadows } from '../../src/domain/shadow/ready-shadows.ts'
import type { Shadow } from '../../src/domain/shadow/shadow.ts'
import { inputTokens, outputTokens } from '../../src/domain/usage.ts'
import { mirrorContent, mirroredCall } from '../../src/dialects/mirrored-call.ts'
import { configOf } from '../fakes/a-config.ts'
import { aPolicy, aProvider } from '../fakes/a-provider.ts'
import { someFacts } from '../fakes/a-routing.ts'
import { samplerOf } from '../../src/domain/shadow/sampler.ts'
import { aShadow } from '../fakes/a-shadow.ts'
import { anAttempt, anExchange, aRequest } from '../fakes/an-exchange.ts'

const openai = aProvider({ name: 'openai', apiKey: 'sk-server' })
const policy = aPolicy([openai, aProvider({ name: 'keyless' })])

const harmless: MirrorContent = {
  isBackground: false,
  hasHostedTools: false,
  hasStoredConversation: false,
  hasFiles: false,
  hasTools: false,
  hasAssistantTurn: false,
}

function planned(
  shadow: Partial<Shadow>,
  exchange: Partial<Exchange> = {},
  content: Partial<MirrorContent> = {},
  facts: Partial<MirrorFacts> = {},
): string {
  const plans = mirrorPlans(
    aShadow(shadow),
    {
      exchange: anExchange(exchange),
      isOff: false,
      isKept: true,
      isSampled: true,
      content: () => ({ ...harmless, ...content }),
      suits: () => true,
      ...facts,
    },
    policy,
  )
  return 'skipped' in plans
    ? plans.skipped
    : plans.map(({ arm, target }) => `${arm} ${target.provider}/${target.model}`).join(', ')
}

describe('a plan', () => {
  test('sends a request to the candidate, or to the stable model again', () => {
    expect(planned({})).toBe('candidate openai/candidate')
    expect(planned({ aaShare: 1 })).toBe('aa openai/gpt-5-mini')
    const asAsked = { key: 'openai/*', provider: 'openai', model: undefined }
    expect(planned({ candidates: [asAsked] })).toBe('candidate openai/gpt-5-mini')
  })

  test.each<[string, Partial<Exchange>, Partial<MirrorContent>, Partial<Shadow>, Partial<MirrorFacts>]>([
    ['header_off', {}, {}, {}, { isOff: true }],
    ['unsupported_api', { request: aRequest({ api: 'embeddings' }) }, {}, {}, {}],
    ['streaming_off', { request: aRequest({ isStream: true }) }, {}, { streaming: false }, {}],
    ['client_disconnected', { outcome: 'cancelled' }, {}, {}, {}],
    ['not_called', { attempts: [] }, {}, {}, {}],
    ['not_sampled', {}, {}, {}, { isSampled: false }],
    ['too_large', { request: aRequest({ requestBytes: 2_000_000 }) }, {}, {}, {}],
    ['no_content', {}, {}, {}, { isKept: false }],
    ['unreadable', {}, {}, {}, { content: () => undefined }],
    ['batch', {}, { isBackground: true }, {}, {}],
    ['hosted_tools', {}, { hasHostedTools: true }, {}, {}],
    ['stored_conversation', {}, { hasStoredConversation: true }, {}, {}],
    ['files', {}, { hasFiles: true }, {}, {}],
    ['not_first_assistant_turn', {}, { hasTools: true, hasAssistantTurn: true }, {}, {}],
    ['unknown_provider', {}, {}, { candidates: [{ key: 'x/y', provider: 'x', model: 'y' }] }, {}],
    ['no_key', {}, {}, { candidates: [{ key: 'keyless/y', provider: 'keyless', model: 'y' }] }, {}],
    ['provider_not_allowed', {}, {}, { providers: new Set(['keyless']) }, {}],
  ])('is not made: %s', (reason, exchange, content, shadow, facts) => {
    expect(planned(shadow, exchange, content, facts)).toBe(reason)
  })

  test('of a routing audit goes to every model but the one that answered, or to none', () => {
    const to = (model: string, provider = 'openai') => ({ key: `${provider}/${model}`, provider, model })
    const audit = { route: 'default', pointUsd: 0.001 }
    const candidates = [to('gpt-5-mini'), to('b'), to('c')] as const
    expect(planned({ audit, candidates })).toBe('candidate openai/b, candidate openai/c')
    expect(planned({ audit, candidates: [...candidates, to('d', 'keyless')] })).toBe('no_key')
    // One that cannot do what the request needs could not have been picked.
    const suits = ({ model }: { model: string | undefined }): boolean => model !== 'b'
    expect(planned({ audit, candidates }, {}, {}, { suits })).toBe('candidate openai/c')
    expect(planned({ audit, candidates }, {}, {}, { suits: () => false })).toBe('no_alternative')
    expect(planned({}, {}, {}, { suits: () => false })).toBe('candidate openai/candidate')
  })

  test('is made for the first turn with tools, and for later turns without', () => {
    expect(planned({}, {}, { hasTools: true })).toBe('candidate openai/candidate')
    expect(planned({}, {}, { hasAssistantTurn: true })).toBe('candidate openai/candidate')
  })

  test('is made whether or not the stable model could answer', () => {
    const failed = anAttempt({ outcome: { kind: 'unavailable', error: 'connect_failed', mayHaveRun: false } })
    expect(planned({}, { attempts: [failed], outcome: 'unavailable', status: 502 })).toBe('candidate openai/candidate')
  })

  test('does not read the prompt of a request that is not in the sample', () => {
    const content = (): never => {
      throw new Error('read')
    }
    expect(planned({}, {}, {}, { isSampled: false, content })).toBe('not_sampled')
  })
})

describe('samples', () => {
  const isSampled = (shadow: Shadow, id: string): boolean => samplerOf(shadow)(id)
  const ids = Array.from({ length: 20_000 }, (_, i) => `0199a0b0-0000-7000-8000-${String(i).padStart(12, '0')}`)
  const shareOf = (shadow: Shadow): number => ids.filter((id) => isSampled(shadow, id)).length / ids.length

  test('are as large as they should be, and a larger one holds a smaller one', () => {
    for (const sample of [0.01, 0.1, 0.5]) {
      // Four standard deviations.
      expect(Math.abs(shareOf(aShadow({ sample })) - sample)).toBeLessThan(
        4 * Math.sqrt((sample * (1 - sample)) / ids.length),
      )
    }
    const [small, large] = [aShadow({ sample: 0.1 }), aShadow({ sample: 0.3 })]
    expect(ids.every((id) => !isSampled(small, id) || isSampled(large, id))).toBe(true)
  })

  test('of hundred thousand random ids fill every twentieth of the range alike', () => {
    const draws = Array.from({ length: 100_000 }, () => randomUUIDv7())
    const inSamples = Array.from({ length: 20 }, (_, i) => {
      const isIn = samplerOf(aShadow({ sample: (i + 1) / 20 }))
      return draws.filter((id) => isIn(id)).length
    })
    const [counts, expected] = [inSamples.map((n, i) => n - (inSamples[i - 1] ?? 0)), draws.length / 20]
    // Pearson's χ² with 19 degrees of freedom is above 63 once in a million times.
    expect(counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)).toBeLessThan(63)
  })

  test('of two salts know nothing of each other', () => {
    const [one, other] = [aShadow({ sample: 0.5 }), aShadow({ sample: 0.5, salt: 'other' })]
    const both = ids.filter((id) => isSampled(one, id) && isSampled(other, id)).length / ids.length
    expect(Math.abs(both - 0.25)).toBeLessThan(0.015)
  })

  test('are split between candidates and the stable model as the shares say', () => {
    const candidates = [aShadow().candidates[0], { key: 'openai/b', provider: 'openai', model: 'b' }] as const
    const counts = new Map<string, number>()
    for (const id of ids) {
      const plan = planned({ candidates, aaShare: 0.1 }, { request: aRequest({ id }) })
      counts.set(plan, (counts.get(plan) ?? 0) + 1 / ids.length)
    }
    expect(counts.get('aa openai/gpt-5-mini')).toBeCloseTo(0.1, 1)
    expect(counts.get('candidate openai/candidate')).toBeCloseTo(0.45, 1)
    expect(counts.get('candidate openai/b')).toBeCloseTo(0.45, 1)
  })
})

test('the moment may keep a planned call from being made', () => {
  const well = { isBackedOff: false, headroom: undefined, isLiveLoaded: false, isShuttingDown: false }
  const shadow = aShadow({ headroomFloor: 0.2 })
  expect(mayMirrorNow(shadow, well)).toBeUndefined()
  expect(mayMirrorNow(shadow, { ...well, headroom: 0.2 })).toBeUndefined()
  expect(mayMirrorNow(shadow, { ...well, headroom: 0.19 })).toBe('headroom')
  expect(mayMirrorNow(shadow, { ...well, isBackedOff: true })).toBe('backed_off')
  expect(mayMirrorNow(shadow, { ...well, isLiveLoaded: true })).toBe('live_load')
  expect(mayMirrorNow(shadow, { ...well, isShuttingDown: true })).toBe('shutting_down')
})

describe('a projection', () => {
  test('takes the counted prompt and the most output that the request allows', () => {
    const { usage, isBound } = projectedUsage(anAttempt(), 800, 4_000, 100)
    expect([inputTokens(usage), outputTokens(usage), isBound]).toEqual([1_000, 4_000, true])
  })

  test('without a limit takes what the candidate says on average, or what the stable model said if that was more', () => {
    expect(outputTokens(projectedUsage(anAttempt(), 800, undefined, 300).usage)).toBe(300)
    expect(outputTokens(projectedUsage(anAttempt(), 800, undefined, 30).usage)).toBe(200)
    expect(projectedUsage(anAttempt(), 800, undefined, 300).isBound).toBe(false)
  })

  test('learns a mean that stays between what it has seen', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 1 }), (answers) => {
        const mean = answers.reduce<number | undefined>((before, tokens) => learned(before, tokens), undefined) ?? 0
        expect(mean).toBeGreaterThanOrEqual(Math.min(...answers) - 1e-6)
        expect(mean).toBeLessThanOrEqual(Math.max(...answers) + 1e-6)
      }),
    )
  })
})

describe('the candidate’s call', () => {
  const call = (api: 'responses' | 'chat_completions', body: object, provider = openai): unknown => {
    const path = api === 'responses' ? '/v1/responses' : '/v1/chat/completions'
    const request = aRequest({ api, upstreamPath: `${path}?key=sk-client` })
    const { body: bytes, path: to } = mirroredCall(request, Buffer.from(JSON.stringify(body)), provider, 'm', undefined)
    expect(to).toBe(path)
    return JSON.parse(String(bytes))
  }

  test('is never stored, and names the candidate', () => {
    expect(call('responses', { model: 'a', input: 'x' })).toEqual({ model: 'm', input: 'x', store: false })
    expect(call('responses', { store: true, input: 'x' })).toEqual({ model: 'm', input: 'x', store: false })
    // Chat completions store only when asked, and take metadata only then.
    expect(call('chat_completions', { model: 'a', store: true, metadata: { a: 'b' } })).toEqual({ model: 'm' })
    expect(call('chat_completions', { model: 'a', metadata: { a: 'b' } })).toEqual({ model: 'm', metadata: { a: 'b' } })
  })

  test('asks for the usage of a stream where the candidate’s provider can tell it', () => {
    expect(call('chat_completions', { model: 'a', stream: true })).toMatchObject({
      stream_options: { include_usage: true },
    })
  })

  test('is known by its prompt for what may not be mirrored', () => {
    const of = (body: object): MirrorContent | undefined =>
      mirrorContent('chat_completions', Buffer.from(JSON.stringify(body)))
    const turns = [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: 'y' },
      { role: 'tool', content: 'z' },
    ]
    expect(of({ messages: turns.slice(0, 1) })).toEqual(harmless)
    expect(of({ messages: turns, tools: [{ type: 'function', function: { name: 'f' } }] })).toMatchObject({
      hasTools: true,
      hasAssistantTurn: true,
    })
    expect(of({ messages: [], web_search_options: {} })).toMatchObject({ hasHostedTools: true })
    expect(mirrorContent('chat_completions', Buffer.from('no JSON'))).toBeUndefined()
  })
})

test('the file says which requests a shadow sees, by headers and prompts too', () => {
  const { policy: read } = configOf(`providers:
  openai: { dialect: openai, base_url: https://api.openai.com, api_key: k }
labels:
  task: [{ label: coding, when: { keywords: code } }]
shadows:
  trial:
    match: { task: coding, headers: { x-env: prod } }
    sample: 12.5%
    candidates: openai/gpt-4o-mini
    budget: { per_hour: 0.05, per_day: 1 }
`)
  const [shadow] = read.shadows
  expect(shadow).toMatchObject({ sample: 0.125, aaShare: 0.1, salt: 'trial', dialect: 'openai', isEnabled: true })
  expect(shadow?.budget).toEqual({ perHour: 50_000_000_000n, perDay: 1_000_000_000_000n })
  const ready = readyShadows(read)
  expect(readyShadows(read)).toBe(ready)
  expect(ready).toMatchObject({ needsOwnFacts: true, reads: { text: true } })
  const [trial] = ready.all
  const labels = { task: 'coding', taskSource: 'rule', complexity: 'unknown', complexitySource: 'none' } as const
  expect(trial?.matches(someFacts({ labels, headers: { 'x-env': 'prod' } }), undefined)).toBe(true)
  expect(trial?.matches(someFacts({ labels }), undefined)).toBe(false)
  expect(trial?.mayMatch(aRequest())).toBe(true)
  expect(trial?.mayMatch(aRequest({ dialect: 'anthropic' }))).toBe(false)
})
