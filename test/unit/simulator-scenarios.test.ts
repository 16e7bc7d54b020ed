import { describe, expect, it } from 'vitest'
import { failureOf } from '../../src/dialects/failure-kind.ts'
import { createPlaybill } from '../../src/simulator/playbill.ts'
import { SCENARIO_PATH } from '../../src/simulator/scenario-endpoint.ts'
import { SCENARIO_NAMES } from '../../src/simulator/scenarios.ts'
import { aChat, aSimulator, eventData, post } from '../fakes/a-simulator.ts'

const simulator = aSimulator()
const chatUrl = (): string => `${simulator().url}/v1/chat/completions`
const scenarioUrl = (): string => `${simulator().url}${SCENARIO_PATH}`

/** Statuses of so many requests, one after the other. */
async function statuses(count: number, body = aChat()): Promise<readonly number[]> {
  const seen: number[] = []
  for (let index = 0; index < count; index++) seen.push((await post(chatUrl(), body)).status)
  return seen
}

describe('a scenario', () => {
  it('is put on and taken off by its endpoint while the simulator runs, and the endpoint tells what is on', async () => {
    expect(await statuses(1)).toEqual([200])
    const put = await post(scenarioUrl(), { scenario: 'outage' })
    expect(put.status).toBe(200)
    expect(await statuses(2)).toEqual([500, 500])
    const shown: { playing: unknown; known: Record<string, string> } = JSON.parse(
      await (await fetch(scenarioUrl())).text(),
    )
    expect(shown.playing).toEqual([{ scenario: 'outage', model: null, key: null, requests: 2 }])
    expect(Object.keys(shown.known)).toEqual([...SCENARIO_NAMES])
    await post(scenarioUrl(), { scenario: 'none' })
    expect(await statuses(1)).toEqual([200])
  })

  it('befalls only the model or the key that it names, and the one put on last decides', async () => {
    await post(scenarioUrl(), { scenario: 'outage', model: 'sim-plain' })
    await post(scenarioUrl(), { scenario: 'rate-limit-storm', key: 'sk-other' })
    const other = { authorization: 'Bearer sk-other' }
    expect((await post(chatUrl(), aChat())).status).toBe(500)
    expect((await post(chatUrl(), aChat('Hi', { model: 'sim-fast' }))).status).toBe(200)
    expect((await post(chatUrl(), aChat(), undefined, other)).status).toBe(429)
    expect((await post(chatUrl(), aChat('Hi', { model: 'sim-fast' }), undefined, other)).status).toBe(429)
    await post(scenarioUrl(), { scenario: 'none', key: 'sk-other' })
    expect((await post(chatUrl(), aChat(), undefined, other)).status).toBe(500)
    await fetch(scenarioUrl(), { method: 'DELETE' })
    expect(await statuses(1)).toEqual([200])
  })

  it.each([
    [{ scenario: 'earthquake' }, 'expected a scenario of outage, '],
    [{ scenario: 'outage', provider: 'openai' }, 'found provider'],
    [{ scenario: 'outage', model: 7 }, 'expected model and key to be text'],
    [[], 'expected a JSON object'],
  ])('that makes no sense is refused in a sentence: %j', async (body, said) => {
    const answer = await post(scenarioUrl(), body)
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain(said)
    expect(simulator().playbill.playing()).toEqual([])
  })

  it('gives way to the fault that a request asks for itself', async () => {
    simulator().playbill.play('outage')
    expect((await post(chatUrl(), aChat(), 'status@504')).status).toBe(504)
    simulator().playbill.stop()
  })

  it('error-in-first-frame begins a stream with status 200 and an error', async () => {
    simulator().playbill.play('error-in-first-frame', { model: 'sim-plain' })
    const answer = await post(chatUrl(), aChat('Hi', { stream: true }))
    expect(answer.status).toBe(200)
    expect(eventData(await answer.text())).toEqual([expect.stringContaining('"error"')])
    simulator().playbill.stop()
  })

  it('context-window is told in words that every dialect is understood by', async () => {
    simulator().playbill.play('context-window')
    const gemini = { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }
    const answers = [
      await post(chatUrl(), aChat()),
      await post(`${simulator().url}/v1/messages`, aChat('Hi', { max_tokens: 9 })),
      await post(`${simulator().url}/v1beta/models/sim-plain:generateContent`, gemini, undefined, {
        'x-goog-api-key': 'k',
      }),
    ]
    for (const answer of answers) {
      expect(answer.status).toBe(400)
      const body = Buffer.from(await answer.arrayBuffer())
      expect(failureOf(400, [], body, 0).kind).toBe('context_window')
    }
    simulator().playbill.stop()
  })

  it('invalid-json breaks off where JSON was asked for, and nowhere else', async () => {
    simulator().playbill.play('invalid-json')
    const content = async (changes: Record<string, unknown>): Promise<string> => {
      const body = await (await post(chatUrl(), aChat('What is 17 + 25? Answer only.', changes))).text()
      return JSON.parse(body).choices[0].message.content
    }
    const broken = await content({ response_format: { type: 'json_object' } })
    expect(broken).toMatch(/^\{/)
    expect(() => JSON.parse(broken)).toThrow(SyntaxError)
    expect(await content({})).toMatch(/^\d+$/)
    simulator().playbill.stop()
  })
})

describe('a playbill', () => {
  const request = { models: ['m'], key: undefined }

  it('flaps by the clock: down for two seconds, well for two, and so on', () => {
    let now = 500
    const playbill = createPlaybill(1, () => now)
    playbill.play('flapping')
    const isDown = (): boolean => playbill.next(request)?.name === 'status@500'
    const seen = [0, 1_999, 2_000, 3_999, 4_000, 6_500].map((ms) => {
      now = 500 + ms
      return isDown()
    })
    expect(seen).toEqual([true, true, false, false, true, false])
  })

  it('draws a brown-out from the seed: the same one again, with its shares of errors and of slow answers', () => {
    const names = (seed: number): readonly (string | undefined)[] => {
      const playbill = createPlaybill(seed, () => 0)
      playbill.play('brown-out')
      return Array.from({ length: 2_000 }, () => playbill.next(request)?.name)
    }
    const first = names(1)
    expect(names(1)).toEqual(first)
    expect(names(2)).not.toEqual(first)
    const share = (name: string): number => first.filter((of) => of === name).length / first.length
    expect(share('status@503')).toBeCloseTo(0.3, 1)
    expect(share('latency@3000')).toBeCloseTo(0.2, 1)
  })

  it('holds one scenario per scope, and says nothing of requests that none is about', () => {
    const playbill = createPlaybill(1, () => 0)
    playbill.play('outage', { model: 'm' })
    playbill.play('refusal', { model: 'm' })
    expect(playbill.playing()).toEqual([{ scenario: 'refusal', model: 'm', key: undefined, requests: 0 }])
    expect(playbill.next({ models: ['other'], key: 'k' })).toBeUndefined()
    playbill.stop({ key: 'k' })
    expect(playbill.next(request)?.name).toBe('refusal')
    playbill.stop()
    expect(playbill.next(request)).toBeUndefined()
  })
})
