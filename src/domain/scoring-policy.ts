import type { SpendLimits } from './spend-budget.ts'

/** Which answers are scored, by what, and what is good enough. Absent from a policy: nothing is. */
export type ScoringPolicy = {
  /** Share of live answers that the evaluators score. */
  readonly liveShare: number
  readonly judge: JudgePolicy | undefined
  /** Minimum acceptable quality, in [0, 1], by task. */
  readonly minimum: ReadonlyMap<string, number>
}

/** The model that judges, and how much of its time is bought. Its provider's key is the server's. */
export type JudgePolicy = {
  readonly provider: string
  readonly model: string
  readonly api: 'chat_completions' | 'messages'
  /** Share of shadow pairs, and of live answers, that it is asked about. */
  readonly pairShare: number
  readonly liveShare: number
  readonly budget: SpendLimits
  readonly maxConcurrent: number
  /** Cases that may wait for it; more are dropped and counted. */
  readonly maxQueued: number
  readonly timeoutMs: number
  /** Reasoning included. */
  readonly maxOutputTokens: number
  readonly isStructured: boolean
  /** Further members of its request's body, as of `JudgeModel`. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>
}
