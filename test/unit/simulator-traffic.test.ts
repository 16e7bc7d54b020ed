import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { runSimulator } from '../../src/cli/simulator.ts'
import { traffic, type TrafficRequest } from '../../src/simulator/traffic.ts'
import { aSimulator } from '../fakes/a-simulator.ts'

const simulator = aSimulator()

/** Sends one request with the SDK of its API; returns the answer's text. */
async function send({ call }: TrafficRequest): Promise<string> {
  const openai = new OpenAI({ apiKey: 'x', baseURL: `${simulator().url}/v1`, maxRetries: 0 })
  const anthropic = new Anthropic({ apiKey: 'x', baseURL: simulator().url, maxRetries: 0 })
  switch (call.api) {
    case 'chat_completions': {
      const answer = await openai.chat.completions.create({ ...call.body, stream: false })
      return answer.choices[0]?.message.content ?? JSON.stringify(answer.choices[0]?.message.tool_calls)
    }
    case 'responses':
      return (await openai.responses.create({ ...call.body, stream: false })).output_text
    case 'messages': {
      const answer = await anthropic.messages.create({ ...call.body, stream: false })
      return answer.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
    }
    case 'embeddings':
      return String((await openai.embeddings.create(call.body)).data[0]?.embedding.length)
  }
}

describe('demo traffic', () => {
  it('is the same for the same seed and of every kind and API', () => {
    const requests = [...traffic({ seed: 3, count: 200 })]
    expect([...traffic({ seed: 3, count: 200 })]).toEqual(requests)
    expect(new Set(requests.map(({ kind }) => kind)).size).toBe(8)
    expect(new Set(requests.map(({ call }) => call.api)).size).toBe(4)
    expect(new Set(requests.map(({ team }) => team)).size).toBe(4)
    expect([...traffic({ seed: 4, count: 200 })]).not.toEqual(requests)
  })

  it('is taken by the SDKs as it is, and mostly answered right by a good model', async () => {
    for (const name of ['gpt-4o', 'gpt-4o-mini', 'gpt-5-mini', 'claude-sonnet-5-5', 'claude-haiku-4-5']) {
      simulator().setModel(name, {
        firstByteMs: 0,
        firstTokenMs: 0,
        tokensPerSecond: undefined,
        quality: 1,
        qualityByKind: {},
      })
    }
    const wrong: string[] = []
    for (const request of traffic({ seed: 1, count: 60 })) {
      const text = await send(request)
      expect(text).not.toBe('')
      const isRight = request.expected === undefined || text.includes(request.expected)
      if (!isRight) wrong.push(`${request.kind}: expected ${request.expected}, found ${text}`)
    }
    expect(wrong).toEqual([])
  })
})

describe('the simulator command', () => {
  it('prints where it listens and an example that works', async () => {
    const lines: string[] = []
    const running = await runSimulator({ port: 0, host: '127.0.0.1', seed: 5, log: (line) => lines.push(line) })
    expect(lines[0]).toContain(running.url)
    const body = lines.join('\n').match(/-d '(.*)'/)?.[1]
    const response = await fetch(`${running.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer any' },
      body: body ?? '',
    })
    expect(response.status).toBe(200)
    await running.close()
  })
})
