import { traffic } from '../simulator/traffic.ts'
import type { TrafficCall, TrafficRequest } from '../simulator/traffic.ts'

/** What goes wrong with a call, as such things do. */
export type Trouble =
  | 'none'
  /** 429 and 503 on the first try; the SDK tries again by itself and gets its answer. */
  | 'rate_limited_once'
  | 'unavailable_once'
  /** 503 however often the SDK tries. */
  | 'unavailable'
  | 'unknown_model'
  /** The provider drops its connection, or reports an error, in the middle of a stream. */
  | 'cut_midway'
  | 'error_midway'
  /** The client has seen enough after the first words, or does not wait for them. */
  | 'client_leaves'
  | 'client_gives_up'

/** One call that an application makes. */
export type DemoCall = Omit<TrafficRequest, 'call'> & { readonly call: TrafficCall; readonly trouble: Trouble }

/** Of every 40 calls, those with trouble. A demo without any would show half of what is recorded. */
const TROUBLES: ReadonlyMap<number, Trouble> = new Map([
  [3, 'rate_limited_once'],
  [8, 'client_leaves'],
  [13, 'cut_midway'],
  [18, 'unavailable_once'],
  [21, 'unknown_model'],
  [26, 'error_midway'],
  [30, 'client_gives_up'],
  [33, 'client_leaves'],
  [37, 'unavailable'],
])

const UNKNOWN_MODEL = 'gpt-0'
const NEEDS_STREAM: ReadonlySet<Trouble> = new Set(['cut_midway', 'error_midway', 'client_leaves'])

/** The calls of a demo; the same seed gives the same. */
export function demoCalls(seed: number, count: number): readonly DemoCall[] {
  return [...traffic({ seed, count })].map((request) => {
    const trouble = TROUBLES.get(request.ordinal % 40) ?? 'none'
    const { call } = request
    if (trouble === 'unknown_model') return { ...request, trouble, call: withModel(call, UNKNOWN_MODEL) }
    if (!NEEDS_STREAM.has(trouble)) return { ...request, trouble }
    return call.api === 'embeddings' ? { ...request, trouble: 'none' } : { ...request, trouble, call: streamed(call) }
  })
}

/** What the simulated provider is told to do (grammar: simulator/faults.ts); undefined = to behave. */
export function faultOf(trouble: Trouble): string | undefined {
  switch (trouble) {
    case 'rate_limited_once':
      return 'status@429'
    case 'unavailable_once':
    case 'unavailable':
      return 'status@503'
    case 'cut_midway':
      return 'cut@4'
    case 'error_midway':
      return 'error@4'
    case 'client_leaves':
      return 'speed@40' // slow enough that the client leaves before the end
    case 'client_gives_up':
      return 'latency@5000'
    case 'unknown_model':
    case 'none':
      return undefined
  }
}

function streamed(call: Exclude<TrafficCall, { api: 'embeddings' }>): TrafficCall {
  switch (call.api) {
    case 'chat_completions':
      return { ...call, body: { ...call.body, stream: true } }
    case 'responses':
      return { ...call, body: { ...call.body, stream: true } }
    case 'messages':
      return { ...call, body: { ...call.body, stream: true } }
  }
}

function withModel(call: TrafficCall, model: string): TrafficCall {
  switch (call.api) {
    case 'chat_completions':
      return { ...call, body: { ...call.body, model } }
    case 'responses':
      return { ...call, body: { ...call.body, model } }
    case 'messages':
      return { ...call, body: { ...call.body, model } }
    case 'embeddings':
      return { ...call, body: { ...call.body, model } }
  }
}
