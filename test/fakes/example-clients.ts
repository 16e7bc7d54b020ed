import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { expect } from 'vitest'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import type { Composed, Story } from './composed.ts'

export type Chat = OpenAI.Chat.ChatCompletionCreateParamsNonStreaming

export type ChatChanges = Partial<Chat> & { readonly headers?: Record<string, string>; readonly mount?: string }

/** A chat with the OpenAI SDK, and its story. */
export async function chat(proxy: Composed, model: string, changes: ChatChanges = {}): Promise<Story> {
  return proxy.story(await askChat(proxy, model, changes))
}

/** A chat with the OpenAI SDK; the id of its trace. */
export async function askChat({ url }: Composed, model: string, changes: ChatChanges): Promise<string | null> {
  const { headers = {}, mount = '/openai/v1', ...rest } = changes
  const client = new OpenAI({ baseURL: `${url}${mount}`, apiKey: 'sk-client', maxRetries: 0, defaultHeaders: headers })
  const messages: Chat['messages'] = [{ role: 'user', content: 'What is 17 + 25?' }]
  const { data, response } = await client.chat.completions.create({ model, messages, ...rest }).withResponse()
  expect(data.choices[0]?.message).toBeDefined()
  return response.headers.get('x-understudy-trace-id')
}

/** The same with the Anthropic SDK. */
export async function message(
  { url, story }: Composed,
  model: string,
  headers: Record<string, string> = {},
): Promise<Story> {
  const client = new Anthropic({ baseURL: `${url}/anthropic`, apiKey: 'sk-ant-client', maxRetries: 0 })
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'What is 17 + 25?' }]
  const { data, response } = await client.messages
    .create({ model, max_tokens: 100, messages }, { headers })
    .withResponse()
  expect(data.content[0]?.type).toBe('text')
  return story(response.headers.get('x-understudy-trace-id'))
}

/** A server that asks for no key. */
export const aGpuServer = (): Promise<Simulator> =>
  startSimulator({
    models: [aModel('llama', { speaks: ['openai'] })],
    manners: {
      root: '/v1',
      keyHeader: 'none',
      usage: {
        shape: ({ uncachedInput, visibleOutput }) => ({
          prompt_tokens: uncachedInput,
          completion_tokens: visibleOutput,
        }),
        inStream: 'asked',
      },
      refuses: [],
    },
  })

/** Of its last requests, as their header was. */
export const keysSeenBy = ({ requests }: Simulator): readonly (string | undefined)[] =>
  requests().map(
    ({ rawHeaders }) => rawHeaders[rawHeaders.findIndex((name) => name.toLowerCase() === 'authorization') + 1],
  )
