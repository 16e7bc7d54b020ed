import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** One kind of call and what its row must say. Without `lastBytes` it is answered when the message is complete. */
export type Call = {
  readonly name: string
  readonly method: 'POST' | 'GET'
  readonly path: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Of a stream: its last bytes. Whoever has them has been answered, even if the connection then breaks. */
  readonly lastBytes?: RegExp
  readonly outcome: string
  /** Undefined = as many as its trace says. */
  readonly attempts: 0 | 1 | undefined
}

/** What a client got to its last byte. */
export type Answered = {
  readonly call: Call
  readonly status: number
  readonly durationMs: number
  readonly at: number
}

/** Clients that ask again as soon as they are answered, and remember every answer. */
export type ClosedLoop = {
  /** By trace id: every answer received to its last byte. */
  readonly ledger: ReadonlyMap<string, Answered>
  /** Trace ids seen on answers that were cut on the way. */
  readonly cut: ReadonlySet<string>
  /** Requests that got no whole answer, and why. */
  readonly failures: readonly string[]
  /** Waits until so many more answers have come. */
  readonly answers: (more: number) => Promise<void>
  /** Lets what is under way finish, then rests. */
  readonly stop: () => Promise<void>
}

export type LoopOptions = {
  readonly clients: number
  readonly calls: readonly Call[]
  /** Pause of each client between two requests, 0 by default. */
  readonly pauseMs?: number
}

const chat = (changes: object): string =>
  JSON.stringify({ model: 'sim-plain', messages: [{ role: 'user', content: 'What is 17 + 25?' }], ...changes })
const json = { 'content-type': 'application/json', authorization: 'Bearer sk-test', 'anthropic-version': '2023-06-01' }

const CHAT = { method: 'POST', path: '/openai/v1/chat/completions', headers: json, attempts: 1 } as const
const MESSAGES = { method: 'POST', path: '/anthropic/v1/messages', headers: json, attempts: 1 } as const

/** Every way in which a call is answered whole. */
export const MIXED_CALLS: readonly Call[] = [
  { ...CHAT, name: 'plain', body: chat({}), outcome: 'completed' },
  { ...CHAT, name: 'stream', body: chat({ stream: true }), lastBytes: /data: \[DONE\]\n\n$/, outcome: 'completed' },
  { ...MESSAGES, name: 'messages', body: chat({ max_tokens: 64 }), outcome: 'completed' },
  {
    ...MESSAGES,
    name: 'messages stream',
    body: chat({ max_tokens: 64, stream: true }),
    lastBytes: /"message_stop"[^\n]*\n\n$/,
    outcome: 'completed',
  },
  { ...CHAT, name: 'error', body: chat({}), headers: { ...json, 'x-sim-fault': 'status@503' }, outcome: 'refused' },
  { ...CHAT, name: 'passthrough', method: 'GET', path: '/openai/v1/models', outcome: 'completed' },
  {
    ...CHAT,
    name: 'passthrough upload',
    path: '/openai/v1/files',
    body: 'x'.repeat(20_000),
    headers: { authorization: 'Bearer sk-test' },
    outcome: 'completed',
  },
  {
    ...CHAT,
    name: 'rejected',
    path: '/p/nobody/v1/chat/completions',
    body: chat({}),
    outcome: 'rejected',
    attempts: 0,
  },
]

export function startClosedLoop(port: number, { clients, calls, pauseMs = 0 }: LoopOptions): ClosedLoop {
  const ledger = new Map<string, Answered>()
  const cut = new Set<string>()
  const failures: string[] = []
  const waiting = new Set<() => void>()
  let isStopped = false
  let next = 0

  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (!isStopped) {
      const call = calls[next++ % calls.length]
      if (call === undefined) throw new Error('no calls')
      const result = await ask(port, call, agent)
      if ('why' in result) {
        failures.push(`${call.name}: ${result.why}`)
        if (result.id !== undefined) cut.add(result.id)
        await sleep(20) // a client that is turned away waits a little
      } else {
        ledger.set(result.id, result.answered)
        for (const look of waiting) look()
        if (pauseMs > 0) await sleep(pauseMs)
      }
    }
    agent.destroy()
  }
  const running = Promise.all(Array.from({ length: clients }, client))
  return {
    ledger,
    cut,
    failures,
    answers: (more) =>
      new Promise((resolve) => {
        const enough = ledger.size + more
        const look = (): void => {
          if (ledger.size < enough) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
      }),
    stop: async () => {
      isStopped = true
      await running
    },
  }
}

type Result =
  | { readonly id: string; readonly answered: Answered }
  | { readonly id: string | undefined; readonly why: string }

function ask(port: number, call: Call, agent: Agent): Promise<Result> {
  return new Promise((resolve) => {
    const startedAt = performance.now()
    let id: string | undefined
    let status = 0
    let text = ''
    const fail = (why: string): void => {
      const hasAll = call.lastBytes !== undefined && call.lastBytes.test(text)
      if (hasAll && id !== undefined) succeed(id)
      else resolve({ id, why: `${why} after ${text.length} bytes` })
    }
    const succeed = (traceId: string): void => {
      const now = performance.now()
      resolve({ id: traceId, answered: { call, status, durationMs: now - startedAt, at: now } })
    }
    const onAnswer = (answer: IncomingMessage): void => {
      const header = answer.headers['x-understudy-trace-id']
      id = typeof header === 'string' ? header : undefined
      status = answer.statusCode ?? 0
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => (text += chunk))
      answer.on('error', (error) => fail(error.message))
      answer.on('end', () => {
        if (id === undefined) fail(`an answer ${status} without a trace id`)
        else if (call.lastBytes !== undefined && !call.lastBytes.test(text)) fail('a stream without its end')
        else succeed(id)
      })
    }
    const outgoing = request(
      { host: '127.0.0.1', port, path: call.path, method: call.method, headers: call.headers, agent },
      onAnswer,
    )
    outgoing.on('error', (error) => fail(error.message))
    outgoing.end(call.body)
  })
}

/** The p-th percentile (0–100) of the answers that came in a span of time, in milliseconds. */
export function latency(
  ledger: ReadonlyMap<string, Answered>,
  percentile: number,
  span: { readonly from: number; readonly to: number },
): number {
  const durations = [...ledger.values()]
    .filter(({ at }) => at >= span.from && at < span.to)
    .map(({ durationMs }) => durationMs)
    .toSorted((a, b) => a - b)
  return durations[Math.min(durations.length - 1, Math.floor((durations.length * percentile) / 100))] ?? NaN
}
