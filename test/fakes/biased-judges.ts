import { fromCandidate } from '../../src/evaluate/judge/pair-verdict.ts'
import type { Pair } from '../../src/domain/pair.ts'
import type { AnsweredPair } from '../../src/domain/answered.ts'
import { aSide, anAnsweredPair, aScoreWorker, chatAnswer, chatRequest, fixedId } from './a-score-worker.ts'

const BATCH = 200

/** The judge's verdicts on `count` pairs that `pairOf` makes, in their order. */
export async function judged(
  url: string,
  judge: string,
  count: number,
  pairOf: (index: number) => Partial<AnsweredPair>,
): Promise<readonly Pair[]> {
  const { worker, pairs, compare } = aScoreWorker(url, { model: judge })
  for (let from = 0; from < count; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - from) }, (_, each) => from + each)
    await Promise.all(batch.map((index) => compare(answers(index, pairOf(index)))))
    await worker.idle()
  }
  return pairs
    .filter(({ evaluator }) => evaluator === 'judge')
    .toSorted((one, other) => (one.traceId < other.traceId ? -1 : 1))
}

function answers(index: number, changes: Partial<AnsweredPair>): AnsweredPair {
  return anAnsweredPair({
    traceId: fixedId(index),
    requestBody: chatRequest(`Case ${index}: what is ${index} + 1?`),
    ...changes,
  })
}

/** Sides with these texts. */
export function saying(index: number, stable: string, candidate: string): Pick<AnsweredPair, 'stable' | 'candidate'> {
  return {
    stable: aSide({ attemptId: fixedId(1_000_000 + index), body: chatAnswer(stable) }),
    candidate: aSide({
      attemptId: fixedId(2_000_000 + index),
      target: { provider: 'sim', model: 'weak' },
      body: chatAnswer(candidate),
    }),
  }
}

export function meanD(pairs: readonly Pair[]): number {
  const values = pairs.flatMap(({ verdict }) => (verdict.kind === 'compared' ? [verdict.d] : []))
  return values.reduce((sum, d) => sum + d, 0) / values.length
}

/** What asking once, with the candidate first, would have come to. */
export function meanOfOneOrder(pairs: readonly Pair[]): number {
  const values = pairs.flatMap(({ explanation }) => {
    const said = /^candidate first: (first|second|tie)/.exec(explanation)?.[1]
    return said === 'first' || said === 'second' || said === 'tie' ? [fromCandidate(said, 'candidate_first')] : []
  })
  return values.reduce<number>((sum, d) => sum + d, 0) / values.length
}
