import { Agent, OpenAIProvider, Runner, tool } from '@openai/agents'
import type { AgentInputItem } from '@openai/agents'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { inputTokens, outputTokens } from '../../src/domain/usage.ts'
import { simulatedTwins } from '../fakes/direct-and-proxied.ts'
import { sameThroughTheProxy } from '../fakes/same-through-the-proxy.ts'

const twins = simulatedTwins()
const TURNS = 5

/** A runner whose every model call goes to `url`. Tracing would go to OpenAI itself. */
function runner(url: string, useResponses: boolean, fault?: string): Runner {
  const openAIClient = new OpenAI({
    apiKey: 'sk-test',
    baseURL: `${url}/v1`,
    maxRetries: 0,
    ...(fault === undefined ? {} : { defaultHeaders: { 'x-sim-fault': fault } }),
  })
  return new Runner({ modelProvider: new OpenAIProvider({ openAIClient, useResponses }), tracingDisabled: true })
}

/** An agent with two tools, and every call that they get. */
function anAgent(): { readonly agent: Agent; readonly toolCalls: readonly string[] } {
  const toolCalls: string[] = []
  const weather = tool({
    name: 'get_weather',
    description: 'Current weather of a city.',
    parameters: z.object({ city: z.string() }),
    execute: ({ city }) => {
      toolCalls.push(`weather ${city}`)
      return `Clear over ${city}.`
    },
  })
  const orders = tool({
    name: 'look_up_order',
    description: 'State of an order.',
    parameters: z.object({ order_id: z.string(), express: z.boolean() }),
    execute: (order) => {
      toolCalls.push(`order ${JSON.stringify(order)}`)
      return { state: 'sent' }
    },
  })
  const agent = new Agent({
    name: 'clerk',
    instructions: 'Use the tools.',
    model: 'sim-plain',
    tools: [weather, orders],
  })
  return { agent, toolCalls }
}

const asked = (turn: number): string =>
  turn % 2 === 0 ? `Turn ${turn}: get_weather in Lisbon?` : `Turn ${turn}: look_up_order 1234, then get_weather.`

describe.each([
  ['the Responses API', true, 'responses'],
  ['chat completions', false, 'chat_completions'],
] as const)('the OpenAI Agents SDK over %s', (_name, useResponses, api) => {
  it.each([
    ['not streamed', false],
    ['streamed', true],
  ])('does the same in five turns with tools, %s', async (_how, isStream) => {
    const { records, result } = await sameThroughTheProxy(twins(), async (url) => {
      const { agent, toolCalls } = anAgent()
      const runs = runner(url, useResponses)
      let history: AgentInputItem[] = []
      const answers: unknown[] = []
      const events: unknown[] = []
      const usages: { readonly input: number; readonly output: number }[] = []
      for (let turn = 0; turn < TURNS; turn++) {
        const input: AgentInputItem[] = [...history, { role: 'user', content: asked(turn) }]
        const run = isStream ? await runs.run(agent, input, { stream: true }) : await runs.run(agent, input)
        if ('completed' in run) {
          for await (const event of run) events.push(event.type === 'raw_model_stream_event' ? event.data : event.type)
          await run.completed
        }
        history = run.history
        answers.push(run.finalOutput)
        const { usage } = run.state
        usages.push({ input: usage.inputTokens, output: usage.outputTokens })
      }
      return { answers, events, toolCalls, usages, history }
    })
    expect(result.answers.every((answer) => typeof answer === 'string' && answer !== '')).toBe(true)
    // Two tools in every second turn.
    expect(result.toolCalls).toHaveLength(TURNS + Math.floor(TURNS / 2))
    expect(result.events.length > 0).toBe(isStream)

    // Each turn is one call that asks for tools and one that answers.
    expect(records).toHaveLength(2 * TURNS)
    for (const record of records)
      expect(record).toMatchObject({ outcome: 'completed', request: { api, isStream, shape: { hasTools: true } } })
    const recorded = Array.from({ length: TURNS }, (_, turn) => {
      const usages = records.slice(2 * turn, 2 * turn + 2).flatMap(({ attempts }) => attempts[0]?.usage ?? [])
      expect(usages).toHaveLength(2)
      return {
        input: usages.reduce((sum, usage) => sum + inputTokens(usage), 0),
        output: usages.reduce((sum, usage) => sum + outputTokens(usage), 0),
      }
    })
    expect(recorded).toEqual(result.usages)
  })

  it('answers in the structure that the agent must return', async () => {
    const Order = z.object({ city: z.string(), total: z.number() })
    const { records, result } = await sameThroughTheProxy(twins(), async (url) => {
      const agent = new Agent({ name: 'reader', instructions: '', model: 'sim-plain', outputType: Order })
      return (await runner(url, useResponses).run(agent, 'Extract the order.')).finalOutput
    })
    expect(Order.safeParse(result).success).toBe(true)
    expect(records).toMatchObject([{ outcome: 'completed', request: { api, shape: { hasSchema: true } } }])
  })

  it.each([
    ['status@429', false, 'refused'],
    ['status@503', true, 'refused'],
    ['error@3', true, 'refused'],
    ['cut@3', true, 'interrupted'],
  ])('fails as it would directly at %s', async (fault, isStream, outcome) => {
    const { records, result } = await sameThroughTheProxy(twins(), async (url) => {
      const { agent } = anAgent()
      const runs = runner(url, useResponses, fault)
      try {
        if (!isStream) await runs.run(agent, asked(0))
        else await (await runs.run(agent, asked(0), { stream: true })).completed
      } catch (error) {
        return String(error)
      }
      throw new Error('expected an error, and there was none')
    })
    expect(result).not.toBe('')
    expect(records).toMatchObject([{ outcome }])
  })
})
