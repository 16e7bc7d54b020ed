import type { Dialect } from '../domain/request.ts'
import type { Unit } from '../domain/units.ts'
import type { QuestionKind } from './known-questions.ts'

/** A simulated model, wholly data. Durations in milliseconds, rates in tokens per second. */
export type SimulatedModel = {
  readonly name: string
  /** What answers call it: the dated snapshot. Requests may ask for it by this name too. */
  readonly snapshot: string
  readonly speaks: readonly Dialect[]
  readonly does: 'chat' | 'completion' | 'embedding'
  /** From the whole request to the response's headers. */
  readonly firstByteMs: number
  /** From the whole request to the first token of a stream; a whole answer waits for all of its tokens. */
  readonly firstTokenMs: number
  /** undefined = no pause between tokens. */
  readonly tokensPerSecond: number | undefined
  /** Share by which every duration varies from request to request, both ways. */
  readonly jitter: Unit
  /** Every stream event is a write of its own, in a turn of its own, even where there is no pause. */
  readonly isUnbuffered: boolean
  readonly outputTokens: { readonly min: number; readonly max: number }
  /** Tokens of hidden reasoning before each answer; 0 = not a reasoning model. */
  readonly reasoningTokens: number
  /** Probability that the answer to a known question is right, and exceptions by kind of question. */
  readonly quality: Unit
  readonly qualityByKind: Readonly<Partial<Record<QuestionKind, Unit>>>
  /** Questions of the simulator's `answers` that it gets right, all others wrong; undefined = as `quality` has it. */
  readonly rightAbout: ReadonlySet<string> | undefined
  /** Answers plain requests with the same prebuilt bytes (a fresh id apart), whatever the prompt: for load tests. */
  readonly isCanned: boolean
  /** For models that no price book knows; real names are priced by it. */
  readonly usdPerMillion: { readonly input: number; readonly output: number } | undefined
  /** At most one of these befalls a request; probabilities sum to at most 1. Grammar: `faults.ts`. */
  readonly faults: readonly FaultChance[]
  /** How it judges when it is asked to compare or grade answers; undefined = it answers as to any request. */
  readonly judges: JudgeHabits | undefined
}

/** How a judge errs; all of it drawn from the seed and the request. */
export type JudgeHabits = {
  /** Share of verdicts drawn at random. */
  readonly noise: Unit
  /** Of two equally good answers it prefers the first this often, and never says tie; undefined = it says tie. */
  readonly firstShare: Unit | undefined
  /** 0 = length means nothing; 1 = it means as much as being right. */
  readonly lengthWeight: number
  /** Does what any instruction outside the delimited answers tells it. */
  readonly isObedient: boolean
  /** Share of replies that are not the JSON they should be. */
  readonly brokenShare: Unit
}

/** A judge that finds the right answer and says tie where both are right or both wrong. */
export function judgeHabits(changes: Partial<JudgeHabits> = {}): JudgeHabits {
  return { noise: 0, firstShare: undefined, lengthWeight: 0, isObedient: false, brokenShare: 0, ...changes }
}

export type FaultChance = { readonly fault: string; readonly probability: Unit }

/** A model without delays or faults, to be changed to taste. */
export function aModel(name: string, changes: Partial<SimulatedModel> = {}): SimulatedModel {
  return {
    name,
    snapshot: name,
    speaks: ['openai', 'anthropic', 'gemini'],
    does: 'chat',
    firstByteMs: 0,
    firstTokenMs: 0,
    tokensPerSecond: undefined,
    jitter: 0,
    isUnbuffered: false,
    outputTokens: { min: 12, max: 60 },
    reasoningTokens: 0,
    quality: 0.9,
    qualityByKind: {},
    rightAbout: undefined,
    isCanned: false,
    usdPerMillion: undefined,
    faults: [],
    judges: undefined,
    ...changes,
  }
}
