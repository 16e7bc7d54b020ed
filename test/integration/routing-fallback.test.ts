import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import { NO_HEALTH } from '../../src/domain/routing/no-health.ts'
import { aModel } from '../../src/simulator/model.ts'
import { callsOf } from '../fakes/a-raw-route.ts'
import { aFaulty, aRoutedProxy, SPARE_KEY, spareRoutes } from '../fakes/a-routed-proxy.ts'

const SLOW = 'answer_timeout: 500ms, first_token_timeout: 500ms'
const EVERYTHING = `{ on: [error, rate_limit, slow_answer, slow_first_token, context_window, refusal], ${SLOW} }`

type Trouble = [fault: string, reason: string, outcome: string, reasons?: Readonly<Record<string, string>>]

/** What befalls the primary, why it is left, how its call ended, and the reason where a dialect's words have another. */
const TROUBLES: readonly Trouble[] = [
  ['status@500', 'error', 'refused'],
  ['status@503', 'rate_limit', 'refused', { anthropic: 'error' }],
  ['status@529', 'rate_limit', 'refused'],
  ['status@429', 'rate_limit', 'refused'],
  ['cut', 'error', 'unavailable'],
  ['reset', 'error', 'unavailable'],
  ['garbage@http', 'error', 'unavailable'],
]
const PLAIN: Trouble[] = [
  ...TROUBLES,
  ['cut@20', 'error', 'interrupted'],
  ['hang', 'slow_answer', 'unavailable'],
  ['hang@20', 'slow_answer', 'unavailable'],
  ['refusal', 'refusal', 'completed'],
]
const STREAMED: Trouble[] = [
  ...TROUBLES,
  ['cut@0', 'error', 'interrupted'],
  ['end@0', 'error', 'interrupted'],
  ['hang', 'slow_first_token', 'unavailable'],
  ['ttft@5000', 'slow_first_token', 'unavailable'],
  // Their errors in streams are that they are overloaded.
  ['heartbeat@3, error', 'error', 'refused', { anthropic: 'rate_limit', gemini: 'rate_limit' }],
  ['error', 'error', 'refused', { anthropic: 'rate_limit', gemini: 'rate_limit' }],
  ['refusal', 'refusal', 'completed'],
]
const nameOf = (fault: string): string => `m-${fault.replace(/\W+/g, '-')}`
const MODELS = [...new Set([...PLAIN, ...STREAMED].map(([fault]) => fault))].map((fault) =>
  aFaulty(nameOf(fault), fault),
)

// Each call is tried for itself: with health kept, all these troubles of one target would soon have it passed over.
const routed = aRoutedProxy(spareRoutes(EVERYTHING), [...MODELS, aModel('m-good')], { stages: { health: NO_HEALTH } })

/** One call with each SDK, as an application makes it; the text of its answer. */
const CLIENTS = {
  openai: {
    plain: async (url: string, model: string) => {
      const client = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: 'sk-client', maxRetries: 0 })
      const answer = await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }] })
      return answer.choices[0]?.message.content ?? ''
    },
    streamed: async (url: string, model: string) => {
      const client = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: 'sk-client', maxRetries: 0 })
      const stream = await client.chat.completions.create({
        model,
        messages: [{ role: 'user', content: 'Hi' }],
        stream: true,
      })
      let text = ''
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
      return text
    },
  },
  responses: {
    plain: async (url: string, model: string) => {
      const client = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: 'sk-client', maxRetries: 0 })
      return (await client.responses.create({ model, input: 'Hi' })).output_text
    },
    streamed: async (url: string, model: string) => {
      const client = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: 'sk-client', maxRetries: 0 })
      let text = ''
      for await (const event of await client.responses.create({ model, input: 'Hi', stream: true })) {
        if (event.type === 'response.output_text.delta') text += event.delta
      }
      return text
    },
  },
  anthropic: {
    plain: async (url: string, model: string) => {
      const client = new Anthropic({ baseURL: `${url}/anthropic`, apiKey: 'sk-client', maxRetries: 0 })
      const answer = await client.messages.create({
        model,
        max_tokens: 99,
        messages: [{ role: 'user', content: 'Hi' }],
      })
      return answer.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
    },
    streamed: async (url: string, model: string) => {
      const client = new Anthropic({ baseURL: `${url}/anthropic`, apiKey: 'sk-client', maxRetries: 0 })
      return client.messages.stream({ model, max_tokens: 99, messages: [{ role: 'user', content: 'Hi' }] }).finalText()
    },
  },
  gemini: {
    plain: async (url: string, model: string) => {
      const client = new GoogleGenAI({ apiKey: 'sk-client', httpOptions: { baseUrl: `${url}/gemini` } })
      return (await client.models.generateContent({ model, contents: 'Hi' })).text ?? ''
    },
    streamed: async (url: string, model: string) => {
      const client = new GoogleGenAI({ apiKey: 'sk-client', httpOptions: { baseUrl: `${url}/gemini` } })
      let text = ''
      for await (const chunk of await client.models.generateContentStream({ model, contents: 'Hi' }))
        text += chunk.text ?? ''
      return text
    },
  },
} as const

beforeEach(() => {
  const { proxy, primary, spare } = routed()
  proxy.takeRecords()
  primary.forgetRequests()
  spare.forgetRequests()
})

describe.each(Object.entries(CLIENTS))('%s', (api, { plain, streamed }) => {
  it.each(PLAIN)('answers from the fallback when the primary’s plain answer is %s, for %s', async (...row) => {
    expect(callsOf(await answeredBySpare(plain, row[0]))).toEqual(expectedCalls(api, row))
  })

  it.each(STREAMED)('answers from the fallback when the primary’s stream is %s, for %s', async (...row) => {
    expect(callsOf(await answeredBySpare(streamed, row[0]))).toEqual(expectedCalls(api, row))
  })

  it('answers from the primary alone when that is well', async () => {
    for (const call of [plain, streamed]) expect(await call(routed().proxy.url, 'm-good')).not.toBe('')
    const records = await routed().proxy.recorded(2)
    for (const record of records) {
      expect(callsOf(record)).toEqual([['primary', 'completed', undefined]])
      const route = api === 'responses' ? 'openai' : api
      expect(record).toMatchObject({ status: 200, outcome: 'completed', decision: { route } })
    }
    expect(routed().spare.requests()).toHaveLength(0)
  })
})

function expectedCalls(api: string, [, reason, outcome, reasons]: Trouble): ReturnType<typeof callsOf> {
  return [
    ['primary', outcome, undefined],
    ['fallback', 'completed', reasons?.[api] ?? reason],
  ]
}

/** The record of a call that the spare account answered; fails where anything of it is not as it should be. */
async function answeredBySpare(
  call: (url: string, model: string) => Promise<string>,
  fault: string,
): Promise<Exchange> {
  const { proxy, primary, spare } = routed()
  expect(await call(proxy.url, nameOf(fault))).not.toBe('')
  const [record] = await proxy.recorded(1)
  if (record === undefined) throw new Error('no record')
  expect(record).toMatchObject({ status: 200, outcome: 'completed', error: undefined })
  const [first, second] = record.attempts.map(({ target }) => target)
  expect(second).toMatchObject({ provider: `spare-${first?.provider}`, model: first?.model })
  expect(record.attempts[1]?.usage).toBeDefined()
  // The client's key went to its own provider alone, the server's to the other alone.
  const heads = [primary, spare].map((simulator) =>
    JSON.stringify(simulator.requests().map(({ rawHeaders, path }) => [rawHeaders, path])),
  )
  expect(heads.map((text) => [text.includes('sk-client'), text.includes(SPARE_KEY)])).toEqual([
    [true, false],
    [false, true],
  ])
  expect(spare.requests()[0]?.body).toEqual(primary.requests()[0]?.body)
  return record
}
