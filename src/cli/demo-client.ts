import type { Anthropic } from '@anthropic-ai/sdk'
import type { OpenAI } from 'openai'
import type { DemoLedger, SeenUsage } from './demo-ledger.ts'
import { faultOf } from './demo-plan.ts'
import type { DemoCall, Trouble } from './demo-plan.ts'

/** Sends one call with the SDK of its API and reads the answer to its end, or as far as its trouble lets it. */
export type SendDemoCall = (call: DemoCall, signal: AbortSignal) => Promise<'answered' | 'failed' | 'left'>

/** How long a client waits that does not wait long. */
const IMPATIENT_MS = 400

/** The official SDKs, pointed at the proxy as an application would: nothing but the base URL differs. */
export function createDemoClient(sdks: DemoSdks, proxyUrl: string, ledger: DemoLedger): SendDemoCall {
  const fetch = keepingAccount(ledger)
  const openai = new sdks.OpenAI({ baseURL: `${proxyUrl}/openai/v1`, apiKey: 'sk-demo', fetch })
  const anthropic = new sdks.Anthropic({ baseURL: `${proxyUrl}/anthropic`, apiKey: 'sk-ant-demo', fetch })

  return async (call, signal) => {
    const leave = new AbortController()
    const options = {
      headers: headersOf(call),
      signal: AbortSignal.any([signal, leave.signal]),
      ...(call.trouble === 'client_gives_up' ? { timeout: IMPATIENT_MS, maxRetries: 0 } : {}),
    }
    const onToken = (): void => {
      if (call.trouble === 'client_leaves') leave.abort()
    }
    try {
      const usage = await exchange(openai, anthropic, call, options, onToken)
      if (leave.signal.aborted) return 'left'
      if (usage !== undefined) ledger.used(call.ordinal, usage)
      return 'answered'
    } catch (error) {
      signal.throwIfAborted()
      if (call.trouble === 'none') throw unexpected(call, error)
      return call.trouble === 'client_leaves' || call.trouble === 'client_gives_up' ? 'left' : 'failed'
    }
  }
}

type Options = { readonly headers: Record<string, string>; readonly signal: AbortSignal }

/** Resolves to the usage that the answer told, undefined where it told none. */
async function exchange(
  openai: OpenAI,
  anthropic: Anthropic,
  { call }: DemoCall,
  options: Options,
  onToken: () => void,
): Promise<SeenUsage | undefined> {
  switch (call.api) {
    case 'chat_completions': {
      if (!call.body.stream) {
        const { usage } = await openai.chat.completions.create({ ...call.body, stream: false }, options)
        return usage && { inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens }
      }
      for await (const _chunk of await openai.chat.completions.create({ ...call.body, stream: true }, options))
        onToken()
      return undefined
    }
    case 'responses': {
      if (!call.body.stream)
        return inAndOut((await openai.responses.create({ ...call.body, stream: false }, options)).usage)
      let usage: SeenUsage | undefined
      for await (const event of await openai.responses.create({ ...call.body, stream: true }, options)) {
        if (event.type === 'response.output_text.delta') onToken()
        if (event.type === 'response.completed') usage = inAndOut(event.response.usage)
      }
      return usage
    }
    case 'messages': {
      if (!call.body.stream) {
        const { usage } = await anthropic.messages.create({ ...call.body, stream: false }, options)
        return { inputTokens: anthropicInput(usage), outputTokens: usage.output_tokens }
      }
      let [inputTokens, outputTokens] = [0, 0]
      for await (const event of await anthropic.messages.create({ ...call.body, stream: true }, options)) {
        if (event.type === 'content_block_delta') onToken()
        if (event.type === 'message_start') inputTokens = anthropicInput(event.message.usage)
        if (event.type === 'message_delta') outputTokens = event.usage.output_tokens
      }
      return { inputTokens, outputTokens }
    }
    case 'embeddings': {
      const { usage } = await openai.embeddings.create(call.body, options)
      return { inputTokens: usage.prompt_tokens, outputTokens: 0 }
    }
  }
}

/** Team, user, session and tags go on the row and no further (the proxy keeps these headers to itself). */
function headersOf({ ordinal, team, user, session, tags, trouble }: DemoCall): Record<string, string> {
  const pairs = Object.entries({ call: String(ordinal), trouble, ...tags })
  const fault = faultOf(trouble)
  return {
    'x-understudy-team': team,
    'x-understudy-user': user,
    'x-understudy-session': session,
    'x-understudy-tags': pairs.map(([name, value]) => `${name}=${value}`).join(','),
    ...(fault === undefined ? {} : { 'x-sim-fault': fault }),
  }
}

/** A `fetch` that writes down every request that the SDK makes, its retries too, and the status of each. */
function keepingAccount(ledger: DemoLedger): typeof fetch {
  return async (url, init) => {
    const headers = new Headers(init?.headers)
    const tags = new Map((headers.get('x-understudy-tags') ?? '').split(',').map((pair) => splitOnce(pair)))
    const call = Number(tags.get('call'))
    const retry = Number(headers.get('x-stainless-retry-count'))
    if (retry > 0 && isOver(tags.get('trouble'))) headers.delete('x-sim-fault')
    ledger.sent(call, retry)
    const response = await fetch(url, { ...init, headers })
    ledger.answered(call, retry, response.status, response.headers.get('x-understudy-trace-id') ?? undefined)
    return response
  }
}

const PASSING: ReadonlySet<string | undefined> = new Set<Trouble>(['rate_limited_once', 'unavailable_once'])

function isOver(trouble: string | undefined): boolean {
  return PASSING.has(trouble)
}

function splitOnce(pair: string): readonly [string, string] {
  const at = pair.indexOf('=')
  return [pair.slice(0, at), pair.slice(at + 1)]
}

function inAndOut(usage: { input_tokens: number; output_tokens: number } | undefined): SeenUsage | undefined {
  return usage && { inputTokens: usage.input_tokens, outputTokens: usage.output_tokens }
}

function anthropicInput(usage: {
  input_tokens: number
  cache_creation_input_tokens: number | null
  cache_read_input_tokens: number | null
}): number {
  return usage.input_tokens + (usage.cache_creation_input_tokens ?? 0) + (usage.cache_read_input_tokens ?? 0)
}

function unexpected({ ordinal, call }: DemoCall, error: unknown): Error {
  const why = error instanceof Error ? error.message : String(error)
  const what = `call ${ordinal} (${call.api}, ${call.body.model})`
  return new Error(`${what} failed, although nothing was to go wrong with it: ${why}`, { cause: error })
}

export type DemoSdks = { readonly OpenAI: typeof OpenAI; readonly Anthropic: typeof Anthropic }

/** Throws with what to do where the SDKs, which only the demo needs, are not installed. */
export async function loadSdks(): Promise<DemoSdks> {
  try {
    const [openai, anthropic] = await Promise.all([import('openai'), import('@anthropic-ai/sdk')])
    return { OpenAI: openai.OpenAI, Anthropic: anthropic.Anthropic }
  } catch (error) {
    throw new Error(
      'the demo sends its traffic with the official SDKs, which are not installed: run `npm ci` without --omit=dev',
      { cause: error },
    )
  }
}
