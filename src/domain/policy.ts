import type { AuditPolicy } from './audit.ts'
import type { ContentPolicy } from './content.ts'
import type { Rates } from './cost.ts'
import type { ProviderTraits } from './provider-traits.ts'
import type { Dialect } from './request.ts'
import type { Rollout } from './rollout/rollout.ts'
import type { HealthPolicy } from './routing/health-policy.ts'
import type { RoutingPolicy } from './routing/route.ts'
import type { Shadow } from './shadow/shadow.ts'
import type { ScoringPolicy } from './scoring-policy.ts'

/** Everything that can change while the proxy runs. Built from the config file, checked as a whole. */
export type Policy = {
  readonly providers: ReadonlyMap<string, Provider>
  readonly limits: Limits
  readonly content: ContentPolicy
  readonly access: Access
  readonly prices: readonly PriceOverride[]
  readonly routing: RoutingPolicy
  /** In the order of the file. */
  readonly shadows: readonly Shadow[]
  /** In the order of the file; of those of one route at most one that is to run. */
  readonly rollouts: readonly Rollout[]
  readonly health: HealthPolicy
  /** Undefined: no answer is scored. */
  readonly scoring?: ScoringPolicy | undefined
  /** In the order of the file. */
  readonly audits: readonly AuditPolicy[]
  readonly retention: Retention
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly requests: boolean }
}

/** Who may have a key of the server's spent, beyond programs that call the proxy by its own address. */
export type Access = {
  /** Web pages, as browsers name them in `Origin`, in lower case: `https://app.example`. */
  readonly allowedOrigins: ReadonlySet<string>
  /** Host names, in lower case and without a port, by which a proxy that listens on loopback may be called. */
  readonly allowedHosts: ReadonlySet<string>
}

/** An upstream. Only the config can name one: no request chooses a host. */
export type Provider = ProviderTraits & {
  readonly name: string
  readonly dialect: Dialect
  /** Origin and path prefix that replace the mount; never ends with a slash, never with `/v1`. */
  readonly baseUrl: Readonly<URL>
  /** Server-side key; undefined = the client's own key is forwarded. */
  readonly apiKey: string | undefined
  /** Provider id of the price library where it differs from the name (`openai`, `anthropic`, `azure` …). */
  readonly pricedAs: string
  /** Whether it understands `stream_options.include_usage`. */
  readonly supportsIncludeUsage: boolean
  /** Extra request headers, set on every call. */
  readonly headers: ReadonlyMap<string, string>
  readonly traceContext: TraceContextMode
  readonly maxConcurrent: number
  readonly maxQueued: number
  readonly queueTimeoutMs: number
  readonly connectTimeoutMs: number
  /** From the request sent to the response's first header byte. */
  readonly firstByteTimeoutMs: number
  /** Longest silence inside an answer. */
  readonly idleTimeoutMs: number
}

/**
 * What becomes of a client's `traceparent` and `tracestate` on the way to a provider. `forward`: they go on as they
 * came. `propagate`: `traceparent` names the span of our own call, so that the provider's spans hang below it; while
 * no spans are exported there is no such span, and it is as `forward`. `strip`: they do not leave.
 */
export type TraceContextMode = 'forward' | 'propagate' | 'strip'

export type Limits = {
  /** Largest body of a recognised request; pass-through bodies are streamed and unlimited. */
  readonly maxBodyBytes: number
  /** Longest time a recognised request's body may take to arrive. */
  readonly bodyTimeoutMs: number
}

/**
 * The operator's own price for models whose name matches `model` (exact, or with `*`) at `provider` ('*' = any).
 * Without `serviceTier` it holds for calls at the provider's normal tier; with it, for calls at that tier ('*' = any).
 */
export type PriceOverride = {
  readonly provider: string
  readonly model: string
  readonly serviceTier?: string | undefined
  readonly rates: Rates
}

/** Days that rows are kept. */
export type Retention = {
  readonly tracesDays: number
  readonly attemptsDays: number
  /** Prompts and answers. */
  readonly contentsDays: number
  readonly quarantineDays: number
  /** Sums per minute, and per hour. */
  readonly rollupMinutesDays: number
  readonly rollupHoursDays: number
}

/** Fixed at start: ports, directories, the store. A change needs a restart, and a reload says so. */
export type Boot = {
  readonly data: Listen
  /** Processes that serve the data port; `auto` = one per core. With 1 the proxy is a single process. */
  readonly workers: number | 'auto'
  readonly admin: Listen & { readonly token: string | undefined; readonly readToken: string | undefined }
  /** Absolute path: spool, embedded store, run.json. */
  readonly dataDir: string
  readonly store: StoreSettings
  readonly spool: { readonly maxBytes: number }
  readonly shutdownDeadlineMs: number
  /** How fast rollouts are decided: time between two looks, and by what all their times are divided. */
  readonly decider: { readonly tickMs: number; readonly speed: number }
}

export type Listen = { readonly host: string; readonly port: number }

export type StoreSettings =
  | { readonly kind: 'embedded'; readonly port: number; readonly maxMemoryBytes: number }
  | {
      readonly kind: 'url'
      readonly url: string
      readonly username: string
      readonly password: string
      readonly database: string
      /** ClickHouse cluster on which the tables are made; undefined = that one server. */
      readonly cluster?: string | undefined
    }
  | { readonly kind: 'none' }

export type Config = { readonly boot: Boot; readonly policy: Policy }
