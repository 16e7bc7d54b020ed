import type { FeedbackPolicy } from '../feedback/feedback-policy.ts'
import type { Api, Dialect } from '../request.ts'
import type { Rollout } from '../rollout/rollout.ts'

/** What decides where a request goes; all empty: everything passes through untouched. */
export type RoutingPolicy = {
  /** In the order of the file. */
  readonly routes: readonly Route[]
  /** By the name that clients ask for. */
  readonly aliases: ReadonlyMap<string, Alias>
  readonly labels: LabelRules
  /** By `<provider>/<model>` or the bare model name; the operator's word stands before the built-in catalogue's. */
  readonly models: ReadonlyMap<string, Partial<ModelFacts>>
}

export const NO_ROUTING: RoutingPolicy = {
  routes: [],
  aliases: new Map(),
  labels: { task: [], complexity: [] },
  models: new Map(),
}

/** One entry of `routes:`. The first whose `match` holds takes the request; the strategy names the targets. */
export type Route = {
  readonly name: string
  /** That of all its targets; requests in another one are none of its business. */
  readonly dialect: Dialect
  readonly match: Match
  readonly strategy: Strategy
  /** Tried in this order after the strategy's choice, each once. */
  readonly fallbacks: readonly RouteTarget[]
  readonly fallback: FallbackRules
  /** Whether evidence moves the weights of its targets; undefined: no. */
  readonly feedback?: FeedbackPolicy | undefined
  /** Rollouts that may replace one of its targets, those left out that the file has ended; undefined = none. */
  readonly rollouts?: readonly Rollout[] | undefined
}

/**
 * A model at a provider, as a route names it. `key` is `<provider>/<model>`, or `<provider>/*` for the model as the
 * client asked (aliases applied); keys name targets in rows, metrics, weights and health.
 */
export type RouteTarget = {
  readonly key: string
  readonly provider: string
  /** Undefined: as the client asked. */
  readonly model: string | undefined
}

/** Which of several targets a request goes to first. Later strategies (intent, cascade, auto …) are further kinds. */
export type Strategy =
  | { readonly kind: 'fixed'; readonly target: RouteTarget }
  /** Sticky by rendezvous hashing on the unit; `salt` is the route's name, so that renaming a route draws anew. */
  | { readonly kind: 'weighted'; readonly targets: readonly WeightedTarget[]; readonly salt: string }
  /** As `weighted`, over the healthy targets only. */
  | { readonly kind: 'balance'; readonly targets: readonly WeightedTarget[]; readonly salt: string }
  | { readonly kind: 'rules'; readonly rules: readonly Rule[]; readonly otherwise: RouteTarget }

/** `weight` ≥ 0, relative to the others; 0 is never chosen, but may stand by. */
export type WeightedTarget = { readonly target: RouteTarget; readonly weight: number }

export type Rule = { readonly name: string; readonly when: Match; readonly target: RouteTarget }

/**
 * What a request must be. Every field that is there must hold; a list holds when one of its entries does. Names and
 * paths are globs (`*` any run of characters), matched whole and case-sensitively.
 */
export type Match = {
  /** The model the client asked for, before and after aliases: either may match. */
  readonly models?: readonly string[] | undefined
  /** Provider of the mount the request came in by. */
  readonly mounts?: readonly string[] | undefined
  readonly dialects?: readonly Dialect[] | undefined
  /** Undefined: every API that generates; embeddings only where they are named, for their models are others. */
  readonly apis?: readonly Api[] | undefined
  readonly paths?: readonly string[] | undefined
  /** Lower-case header name → globs of its value. Credentials cannot be matched on. */
  readonly headers?: ReadonlyMap<string, readonly string[]> | undefined
  /** Key subjects: the 16 hex digits that rows show for a key. */
  readonly keys?: readonly string[] | undefined
  readonly teams?: readonly string[] | undefined
  readonly users?: readonly string[] | undefined
  readonly tags?: ReadonlyMap<string, readonly string[]> | undefined
  /** Feature flags: names that the tag `flags` lists, separated by spaces or `+`. */
  readonly flags?: readonly string[] | undefined
  readonly tasks?: readonly string[] | undefined
  readonly complexities?: readonly Complexity[] | undefined
  readonly inputTokens?: Range | undefined
  readonly turns?: Range | undefined
  /** All of them must be needed by the request. */
  readonly needs?: readonly Need[] | undefined
  readonly isStream?: boolean | undefined
  readonly hours?: Hours | undefined
}

/** `from` ≤ n < `below`. */
export type Range = { readonly from?: number | undefined; readonly below?: number | undefined }

/** A daily window in a time zone; `to` before `from` runs past midnight. Minutes since midnight; days 1 (Monday) … 7. */
export type Hours = {
  readonly fromMinute: number
  readonly toMinute: number
  readonly zone: string
  readonly days?: readonly number[] | undefined
}

export const NEEDS = ['tools', 'images', 'audio', 'files', 'json_schema', 'json', 'hosted_tools', 'reasoning'] as const
/** What a request asks of a model beyond text. */
export type Need = (typeof NEEDS)[number]

export type Complexity = 'simple' | 'moderate' | 'complex' | 'unknown'

/** When a route leaves a target for the next one; never after a byte of an answer has reached the client. */
export type FallbackRules = {
  readonly on: ReadonlySet<FallbackTrigger>
  /** A plain answer that is not complete by then. */
  readonly answerTimeoutMs: number
  /** A stream whose first content has not come by then. */
  readonly firstTokenTimeoutMs: number
  /** Most upstream calls for one request, the first included. */
  readonly maxAttempts: number
  /** How often the same target is asked again before the next one is; only where the call cannot have run. */
  readonly retries: number
}

export const FALLBACK_TRIGGERS = [
  'error',
  'rate_limit',
  'slow_answer',
  'slow_first_token',
  'context_window',
  'refusal',
  'invalid_json',
] as const
/** Why a target may be left. `refusal` and `invalid_json` (empty or unreadable JSON where JSON was asked for) are opt-in. */
export type FallbackTrigger = (typeof FALLBACK_TRIGGERS)[number]

/** What a model name means on this proxy: another model, or a target. */
export type Alias = { readonly provider: string | undefined; readonly model: string }

/** What is known of a model. Undefined = not known, and then no reason to leave it out. */
export type ModelFacts = {
  readonly contextTokens?: number | undefined
  readonly maxOutputTokens?: number | undefined
  /** Needs that it cannot meet. */
  readonly lacks: ReadonlySet<Need>
  /** Body fields that its API refuses, and so are left out on the way to it. */
  readonly refuses: readonly string[]
}

/** How a request gets its labels where its headers name none: the first rule that holds gives the label. */
export type LabelRules = {
  readonly task: readonly LabelRule<string>[]
  readonly complexity: readonly LabelRule<Complexity>[]
}

export type LabelRule<L> = { readonly label: L; readonly when: TextMatch }

/** What the prompt must be; every field that is there must hold. */
export type TextMatch = {
  /** Any of these words, whole, without regard to case, in the last user turn. */
  readonly keywords?: readonly string[] | undefined
  /** In the last user turn. */
  readonly pattern?: TextPattern | undefined
  readonly inputTokens?: Range | undefined
  readonly turns?: Range | undefined
  readonly needs?: readonly Need[] | undefined
  readonly hasCode?: boolean | undefined
}

/** A pattern of the operator's, in an engine whose time grows with the text alone: it meets what clients write. */
export type TextPattern = { readonly source: string; readonly test: (text: string) => boolean }

/** The task types there are unless the policy lists its own. */
export const TASK_TYPES = [
  'coding',
  'agent_tool_use',
  'math',
  'reasoning',
  'knowledge',
  'long_context_rag',
  'instruction_following',
  'data_analysis_language',
] as const
