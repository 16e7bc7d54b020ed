import { hash } from 'node:crypto'
import type { Target } from '../target.ts'
import type { Unit } from '../units.ts'
import type { LivePhase } from './phase.ts'

/** What a candidate must show to leave a stage. */
export type Gate = {
  /** How much worse its mean score may be, in points of [0, 1]. */
  readonly qualityMargin: number
  /** Stricter or wider for some task types. */
  readonly qualityMarginByTask: Readonly<Record<string, number>>
  /** By how much its share of bad events may exceed the control's. */
  readonly successMargin: number
  readonly minPairs: number
  /** Shortest stay, without the time it was paused. */
  readonly dwellMs: number
  /** Longest stay before somebody is told. Nothing is ever promoted by the passing of time. */
  readonly maxDurationMs: number
  readonly needsApproval: boolean
}

/** A stage of live traffic; `percent` in (0, 100). */
export type Step = Gate & { readonly percent: number }

/** At 100 %, less a small control, for a last look. */
export type Bake = { readonly durationMs: number; readonly minPairs: number; readonly maxDurationMs: number }

/** How fast a rollout goes and what it asks for. */
export type Plan = {
  /** Undefined = it begins with the first step. */
  readonly shadow: Gate | undefined
  /** By rising percent; 100 % is not among them, the bake is. */
  readonly steps: readonly Step[]
  readonly bake: Bake
  /** After a rollback no retry before this has passed. */
  readonly cooldownMs: number
}

/** What harm does to a rollout that is paused while clients get its candidate's answers; `hold`: somebody is told, no more. */
export const HARM_WHILE_PAUSED = ['rollback', 'hold'] as const

/** What can go wrong with a call, apart from how good its answer is. `slow`: over 1.25 × stable's p95 of the start. */
export type BadEvent = (typeof BAD_EVENTS)[number]

export const BAD_EVENTS = ['error', 'timeout', 'refusal', 'schema', 'tool', 'slow'] as const

/** A `RouteTarget`: `key` names it in rows, and without a model it is the one that the client asks for. */
export type RolloutTarget = Target & { readonly key: string }

/** A candidate on its way to taking over a route. */
export type Rollout = {
  readonly name: string
  readonly route: string
  /** The one of the route's targets that the candidate may take the place of. */
  readonly stable: RolloutTarget
  readonly candidate: RolloutTarget
  /** Decides which units see the candidate; a new one deals them anew. */
  readonly salt: string
  /** See `identityOf`: evidence holds for one identity only. */
  readonly identity: string
  readonly plan: Plan
  /** Bad events that roll back; quality always does. */
  readonly badEvents: readonly BadEvent[]
  /** Task types that must each show their own evidence; all others are pooled. */
  readonly tasksApart: readonly string[]
  /** Chance of promoting a candidate that is worse by the margin, per stage. */
  readonly alphaPromote: number
  /** Chance, per stage, of rolling back one that is no worse than is borne; shared by guardrails and tasks. */
  readonly alphaRollback: number
  /** Evidence older than this holds. */
  readonly staleAfterMs: number
  /** See `HARM_WHILE_PAUSED`; undefined in what was stored before there was a choice, which is `hold`. */
  readonly harmWhilePaused?: (typeof HARM_WHILE_PAUSED)[number] | undefined
  /** The operator takes the judge's word without its agreement with people having been shown. */
  readonly isJudgeTrustWaived: boolean
  /** Which score says how good an answer is: `judge`, `feedback` (of application and people), or an evaluator's name. */
  readonly metric: string
  /** Least share of the answers of either compared arm that is scored. */
  readonly scoredShare: Unit
  /** The shadow whose pairs are the evidence of the stage `shadow`; `rollout:<name>` where the file has none of its own. */
  readonly shadow: string
  readonly asked: Asked
}

/**
 * What the file asks for. It is a command when it changes: what is asked as before asks for nothing, so that what was
 * done by hand meanwhile stays. But a draft that is to run starts, and what the file says is ended answers nobody.
 */
export type Asked = {
  readonly state: (typeof ASKED_STATES)[number]
  /** By hand, without waiting for evidence: at least to this step, a percentage, or to everybody. */
  readonly promoteTo: number | 'full' | undefined
}

/** `running` starts a draft, resumes what is paused, and tries again what has ended. */
export const ASKED_STATES = ['running', 'draft', 'paused', 'rolled_back', 'aborted'] as const

/** Whether the file says that it is over: its candidate answers nobody, whatever else is known of it. */
export function isAskedToEnd({ asked: { state } }: Pick<Rollout, 'asked'>): boolean {
  return state === 'rolled_back' || state === 'aborted'
}

/** What evidence is about. A change of any of it makes the evidence so far evidence about something else. */
export type Identity = {
  readonly route: string
  readonly stable: Target
  readonly candidate: Target
  readonly parameters: Readonly<Record<string, string | number | boolean>>
  readonly promptVersion: string
  readonly salt: string
  readonly judgeVersion: string
  readonly metric: string
}

/** 16 hex digits that differ whenever what the evidence is about differs. */
export function identityOf(identity: Identity): string {
  const { route, stable, candidate, parameters, promptVersion, salt, judgeVersion, metric } = identity
  const sorted = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1))
  const models = [stable, candidate].map(({ provider, model }) => [provider, model ?? null])
  const parts = [route, ...models, sorted, promptVersion, salt, judgeVersion, metric]
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, 16)
}

/** The stage a rollout begins with. */
export function firstStage({ shadow, steps }: Plan): LivePhase {
  if (shadow !== undefined) return { kind: 'shadow' }
  const [first] = steps
  return first === undefined ? { kind: 'baking' } : { kind: 'ramping', percent: first.percent }
}

/** The stage after `phase`; undefined after the bake. */
export function nextStage({ steps }: Plan, phase: LivePhase): LivePhase | undefined {
  if (phase.kind === 'baking') return undefined
  const reached = phase.kind === 'ramping' ? phase.percent : 0
  const next = steps.find(({ percent }) => percent > reached)
  return next === undefined ? { kind: 'baking' } : { kind: 'ramping', percent: next.percent }
}

/**
 * What must be shown to leave `phase`; undefined for the bake. A percentage that is no step (an edit took it away) is
 * held to the step above it, the stricter one, else to the last.
 */
export function gateOf({ shadow, steps }: Plan, phase: LivePhase): Gate | undefined {
  switch (phase.kind) {
    case 'shadow':
      return shadow ?? steps[0]
    case 'ramping':
      return steps.find(({ percent }) => percent >= phase.percent) ?? steps.at(-1)
    case 'baking':
      return undefined
  }
}
