import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai'
import { describe, expect, it } from 'vitest'
import { DEFAULT_CATALOGUE } from '../../src/simulator/catalogue.ts'
import { aModel } from '../../src/simulator/model.ts'
import { aSimulator } from '../fakes/a-simulator.ts'

const simulator = aSimulator({ models: [...DEFAULT_CATALOGUE, aModel('sure', { quality: 1 })] })
const openai = (): ReturnType<typeof createOpenAI> =>
  createOpenAI({ apiKey: 'sk-test', baseURL: `${simulator().url}/v1` })
const anthropic = (): ReturnType<typeof createAnthropic> =>
  createAnthropic({ apiKey: 'sk-ant-test', baseURL: `${simulator().url}/v1` })

describe('the AI SDK with its OpenAI provider', () => {
  it('generates and streams text over the Responses API, with usage', async () => {
    const whole = await generateText({ model: openai()('sure'), prompt: 'What is 17 + 25?' })
    expect(whole.text).toContain('42')
    const streamed = streamText({ model: openai()('sure'), prompt: 'What is 17 + 25?' })
    expect(await streamed.text).toBe(whole.text)
    expect((await streamed.usage).outputTokens).toBe(whole.usage.outputTokens)
    expect(simulator().requests().at(-1)?.path).toBe('/v1/responses')
  })

  it('streams text over chat completions, with usage', async () => {
    const streamed = streamText({ model: openai().chat('sure'), prompt: 'What is 17 + 25?' })
    expect(await streamed.text).toContain('42')
    expect((await streamed.usage).outputTokens).toBeGreaterThan(0)
  })

  it('runs a tool and comes back with words', async () => {
    const ran: unknown[] = []
    const get_weather = tool({
      inputSchema: jsonSchema<{ city: string }>({
        type: 'object',
        properties: { city: { type: 'string' } },
        required: ['city'],
      }),
      execute: (input) => {
        ran.push(input)
        return 'sunny'
      },
    })
    for (const model of [openai()('sim-plain'), openai().chat('sim-plain')]) {
      const { text, steps } = await generateText({
        model,
        prompt: 'What is the weather?',
        tools: { get_weather },
        stopWhen: stepCountIs(3),
      })
      expect(steps).toHaveLength(2)
      expect(text).not.toBe('')
    }
    expect(ran).toEqual([{ city: expect.any(String) }, { city: expect.any(String) }])
  })

  it('gets objects that follow the schema', async () => {
    const schema = jsonSchema<{ city: string; total: number }>({
      type: 'object',
      properties: { city: { type: 'string' }, total: { type: 'number' } },
      required: ['city', 'total'],
      additionalProperties: false,
    })
    const prompt = 'Order 4711 from Ada Lovelace in Berlin, total EUR 12.50.'
    for (const model of [openai()('sure'), openai().chat('sure')]) {
      const { output } = await generateText({ model, output: Output.object({ schema }), prompt })
      expect(output).toEqual({ city: 'Berlin', total: 12.5 })
    }
  })
})

describe('the AI SDK with its Anthropic provider', () => {
  it('generates and streams text, with usage', async () => {
    const call = { model: anthropic()('sure'), maxOutputTokens: 1000, prompt: 'What is 17 + 25?' }
    const { text, usage } = await generateText(call)
    expect(text).toContain('42')
    const streamed = streamText(call)
    expect(await streamed.text).toBe(text)
    expect((await streamed.usage).outputTokens).toBe(usage.outputTokens)
  })

  it('runs a tool and comes back with words', async () => {
    const get_weather = tool({ inputSchema: citySchema, execute: () => 'sunny' })
    const { steps, text } = await generateText({
      model: anthropic()('sure'),
      maxOutputTokens: 1000,
      prompt: 'Weather?',
      tools: { get_weather },
      stopWhen: stepCountIs(3),
    })
    expect([steps.length, text === '']).toEqual([2, false])
  })

  it('gets objects, by output format from models that it knows and by a tool from others', async () => {
    simulator().setModel('claude-haiku-4-5', { quality: 1 })
    const prompt = 'Order 4711 from Ada Lovelace in Berlin, total EUR 12.50.'
    for (const name of ['claude-haiku-4-5', 'sure']) {
      const { output } = await generateText({
        model: anthropic()(name),
        maxOutputTokens: 1000,
        output: Output.object({ schema: citySchema }),
        prompt,
      })
      expect(output).toEqual({ city: 'Berlin' })
    }
  })
})

const citySchema = jsonSchema<{ city: string }>({
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
})
