import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'

/** What an application learns from a call: the whole text, and where it came from. */
export type Told = { readonly text: string; readonly traceId: string | null; readonly served: string | null }

export type Telling = { readonly url: string; readonly model: string; readonly isStream: boolean }

/**
 * The official SDKs, each through the mount of its dialect, with the retries that they make by default; the plain call of
 * OpenAI's asks for JSON. Rejects with the SDK's own error.
 */
export const SDKS = { openai: tellByOpenai, anthropic: tellByAnthropic, gemini: tellByGemini } as const

const QUESTION = 'What is 17 + 25?'

async function tellByOpenai({ url, model, isStream }: Telling): Promise<Told> {
  const { chat } = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: 'sk-client' })
  const messages = [{ role: 'user' as const, content: QUESTION }]
  if (!isStream) {
    const { data, response } = await chat.completions
      .create({ model, messages, response_format: { type: 'json_object' } })
      .withResponse()
    const text = data.choices[0]?.message.content ?? ''
    JSON.parse(text)
    return { text, ...sourceIn(response.headers) }
  }
  const { data, response } = await chat.completions.create({ model, messages, stream: true }).withResponse()
  let text = ''
  for await (const chunk of data) text += chunk.choices[0]?.delta.content ?? ''
  return { text, ...sourceIn(response.headers) }
}

async function tellByAnthropic({ url, model, isStream }: Telling): Promise<Told> {
  const { messages } = new Anthropic({ baseURL: `${url}/anthropic`, apiKey: 'sk-ant-client' })
  const body = { model, max_tokens: 200, messages: [{ role: 'user' as const, content: QUESTION }] }
  if (!isStream) {
    const { data, response } = await messages.create(body).withResponse()
    return {
      text: data.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
      ...sourceIn(response.headers),
    }
  }
  const { data, response } = await messages.create({ ...body, stream: true }).withResponse()
  let text = ''
  for await (const event of data) {
    if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text
  }
  return { text, ...sourceIn(response.headers) }
}

async function tellByGemini({ url, model, isStream }: Telling): Promise<Told> {
  const { models } = new GoogleGenAI({ apiKey: 'AIza-client', httpOptions: { baseUrl: `${url}/gemini` } })
  const ask = { model, contents: QUESTION }
  const parts = isStream ? await models.generateContentStream(ask) : [await models.generateContent(ask)]
  let text = ''
  let headers: Headers | undefined
  for await (const part of parts) {
    text += part.text ?? ''
    headers ??= new Headers(part.sdkHttpResponse?.headers)
  }
  return { text, ...sourceIn(headers ?? new Headers()) }
}

function sourceIn(headers: Headers): Omit<Told, 'text'> {
  return { traceId: headers.get('x-understudy-trace-id'), served: headers.get('x-understudy-provider') }
}
