import Anthropic from '@anthropic-ai/sdk'
import Anthropic0 from 'anthropic-sdk-0'
import OpenAI from 'openai'

// The SDKs that applications use, asking once: what the proxy answers is what the test sees, not a retry's answer.

export const PROMPT = [{ role: 'user' as const, content: 'hi' }]
export const MESSAGE = { model: 'm', max_tokens: 5, messages: PROMPT }

export function openai(url: string): OpenAI {
  return new OpenAI({ apiKey: 'sk', baseURL: `${url}/openai/v1`, maxRetries: 0 })
}

export function chat(url: string): Promise<unknown> {
  return openai(url).chat.completions.create({ model: 'm', messages: PROMPT })
}

export function anthropic(url: string): Anthropic {
  return new Anthropic({ apiKey: 'sk', baseURL: `${url}/anthropic`, maxRetries: 0 })
}

export function anthropic0(url: string): Anthropic0 {
  return new Anthropic0({ apiKey: 'sk', baseURL: `${url}/anthropic`, maxRetries: 0 })
}
