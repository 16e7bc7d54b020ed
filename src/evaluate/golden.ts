import type { AnswerContent } from '../dialects/answer-content.ts'
import { asRecord, parseJson } from '../dialects/json-value.ts'
import { proportionInterval } from '../domain/statistics/proportion-interval.ts'
import { choiceMatch } from './choice-match.ts'
import { exactMatch } from './exact-match.ts'
import { numericMatch } from './numeric-match.ts'

/** A question whose right answer is known. */
export type GoldenQuestion = {
  readonly id: string
  readonly prompt: string
  readonly expected: string
  readonly task: string
}

/** What one path answered to one question; `value` undefined = it gave no answer that can be scored. */
export type GoldenResult = {
  readonly path: string
  readonly id: string
  readonly task: string
  readonly value: number | undefined
  readonly traceId: string
  readonly usd: number
}

/** Reads questions, one JSON object per line: `{"id", "prompt", "expected", "task"}`; faults with their lines. */
export function readGolden(text: string): {
  readonly questions: readonly GoldenQuestion[]
  readonly faults: readonly string[]
} {
  const questions: GoldenQuestion[] = []
  const faults: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const { id = String(index + 1), prompt, expected, task = 'unknown' } = asRecord(parseJson(line)) ?? {}
    const isWhole =
      typeof id === 'string' && typeof prompt === 'string' && typeof expected === 'string' && typeof task === 'string'
    if (!isWhole)
      faults.push(`line ${index + 1}: expected an object with the texts prompt and expected, perhaps id and task`)
    else if (questions.some((other) => other.id === id)) faults.push(`line ${index + 1}: id "${id}" is there already`)
    else questions.push({ id, prompt, expected, task })
  }
  return { questions, faults }
}

/** How right an answer is, by the first of choice, number and words that the right answer can be compared by. */
export function scoreGolden(question: GoldenQuestion, status: number, answer: AnswerContent): number | undefined {
  const input = { status, answer, prompt: undefined, expected: question.expected, other: undefined }
  const evaluator = [choiceMatch, numericMatch, exactMatch].find(({ applies }) => applies(input))
  const verdict = evaluator?.score(input)
  return verdict?.kind === 'scored' ? verdict.value : undefined
}

export type GoldenCell = {
  readonly path: string
  readonly task: string
  readonly answered: number
  /** Questions without an answer that can be scored; each counts as wrong. */
  readonly failed: number
  readonly mean: number
  readonly low: number
  readonly high: number
}

/** Path by task, in order of their names. Whoever gave no answer was not right. */
export function goldenMatrix(results: readonly GoldenResult[]): readonly GoldenCell[] {
  const groups = Map.groupBy(results, ({ path, task }) => JSON.stringify([path, task]))
  return [...groups.values()]
    .flatMap((group): readonly GoldenCell[] => {
      const [first] = group
      if (first === undefined) return []
      const sum = group.reduce((total, { value }) => total + (value ?? 0), 0)
      const answered = group.filter(({ value }) => value !== undefined).length
      return [
        {
          path: first.path,
          task: first.task,
          answered,
          failed: group.length - answered,
          mean: sum / group.length,
          ...proportionInterval(sum, group.length),
        },
      ]
    })
    .sort((one, other) => (one.path + one.task < other.path + other.task ? -1 : 1))
}
