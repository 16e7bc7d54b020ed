import type { AnswerContent } from '../dialects/answer-content.ts'
import type { PromptContent } from '../dialects/prompt-content.ts'
import type { PairComparison } from '../domain/pair.ts'
import type { EvaluationInput, Evaluator } from './evaluator.ts'

/** One answer, read. */
export type ReadSide = { readonly status: number; readonly answer: AnswerContent }

/** What one evaluator says of two answers to one request. */
export type ComparedSides = {
  readonly evaluator: Evaluator
  readonly verdict: PairComparison
  readonly stableValue: number | undefined
  readonly candidateValue: number | undefined
  readonly explanation: string
}

/** Every evaluator that says something of both sides; d is the candidate's value less the stable's. Pure. */
export function compareSides(
  evaluators: readonly Evaluator[],
  prompt: PromptContent | undefined,
  stable: ReadSide,
  candidate: ReadSide,
): readonly ComparedSides[] {
  const input = (own: ReadSide, other: ReadSide): EvaluationInput => ({
    ...own,
    prompt,
    expected: undefined,
    other: other.answer,
  })
  const [ofStable, ofCandidate] = [input(stable, candidate), input(candidate, stable)]
  return evaluators.flatMap((evaluator): readonly ComparedSides[] => {
    if (!evaluator.applies(ofStable) || !evaluator.applies(ofCandidate)) return []
    const [one, other] = [evaluator.score(ofStable), evaluator.score(ofCandidate)]
    if (one.kind === 'not_applicable' || other.kind === 'not_applicable') return []
    if (one.kind === 'scored' && other.kind === 'scored') {
      return [
        {
          evaluator,
          verdict: { kind: 'compared', d: other.value - one.value, isConsistent: undefined },
          stableValue: one.value,
          candidateValue: other.value,
          explanation: `stable: ${one.explanation}; candidate: ${other.explanation}`,
        },
      ]
    }
    const why = other.kind === 'failed' ? other.why : one.kind === 'failed' ? one.why : ''
    const valueOf = (verdict: typeof one): number | undefined => (verdict.kind === 'scored' ? verdict.value : undefined)
    return [
      {
        evaluator,
        verdict: { kind: 'failed', why },
        stableValue: valueOf(one),
        candidateValue: valueOf(other),
        explanation: '',
      },
    ]
  })
}
