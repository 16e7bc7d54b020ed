import type { TraceParent } from './trace-context.ts'
import type { RequestId } from './units.ts'

/** Whose wire format a request speaks. */
export type Dialect = 'openai' | 'anthropic' | 'gemini'

/** The operation, as far as it is recognised; `passthrough` is relayed and recorded but never read. */
export type Api =
  | 'chat_completions'
  | 'responses'
  | 'completions'
  | 'embeddings'
  | 'messages'
  | 'count_tokens'
  | 'generate_content'
  | 'embed_content'
  | 'passthrough'

/** Where a request came in and where it goes, told by mount and path alone, never by the kind of key. */
export type Recognised = {
  readonly provider: string
  readonly dialect: Dialect
  readonly api: Api
  /**
   * Path and query to send upstream: mount taken off (and a key that the config's replaces), and as the client wrote it
   * unless the provider has paths of its own.
   */
  readonly upstreamPath: string
  /** Path as the client wrote it, without the query: a query may hold a key. */
  readonly path: string
  /** Where the path says it (Gemini, Azure's deployments): undefined where the body does. */
  readonly inPath?: PathFacts | undefined
}

/** What a path itself asks for; `isStream` is undefined where the body says it (Azure's deployments). */
export type PathFacts = { readonly model: string; readonly isStream: boolean | undefined }

/** Header and body names: as on the wire, in the order in which they came: name, value, name, value … */
export type RawHeaders = readonly string[]

/** What a client asked for, as read from the wire. Nothing in it names a host. */
export type LlmRequest = Recognised & {
  readonly id: RequestId
  readonly method: string
  /** The model the client named; undefined where path and body name none or the body cannot be read. */
  readonly model: string | undefined
  readonly isStream: boolean
  readonly requestBytes: number
  readonly controls: Controls
  readonly client: ClientFacts
  readonly shape: BodyShape
}

/** The `x-understudy-*` request headers (decision 10), stripped before the upstream sees the request. */
export type Controls = {
  readonly route: string | undefined
  readonly session: string | undefined
  readonly user: string | undefined
  readonly team: string | undefined
  readonly tags: Readonly<Record<string, string>>
  readonly task: string | undefined
  /** `simple`, `moderate` or `complex`. */
  readonly complexity?: string | undefined
}

/** What the client told about itself in passing. */
export type ClientFacts = {
  /** First 16 hex digits of a SHA-256 over the presented key, or '' without one: tells keys apart, reveals none. */
  readonly keySubject: string
  readonly userAgent: string
  /** `x-stainless-retry-count`: which retry of its SDK this request is. */
  readonly sdkRetry: number | undefined
  /** `x-stainless-timeout`, in seconds. */
  readonly sdkTimeoutSeconds: number | undefined
  /** The application's own span, from `traceparent` and `tracestate`, to join our trace with it. */
  readonly traceParent: TraceParent | undefined
}

/** Facts of the body that the record keeps; all undefined or false where the body was not read. */
export type BodyShape = {
  /** The dialect's own end-user id (`user`, `safety_identifier`, `metadata.user_id`). */
  readonly endUser: string | undefined
  /** The dialect's own conversation key (`conversation`, `previous_response_id`, `prompt_cache_key`). */
  readonly conversation: string | undefined
  /** `previous_response_id`: the answer that this request goes on from, which its provider keeps. */
  readonly previousResponseId?: string | undefined
  readonly hasTools: boolean
  readonly hasSchema: boolean
  /** True when the proxy asks for usage on the client's behalf (decision 7). */
  readonly injectsUsage: boolean
  /** Why the body could not be read, for the record; undefined when it could or was not tried. */
  readonly unreadable: 'not_json' | 'encoding' | 'too_large_to_read' | undefined
}
