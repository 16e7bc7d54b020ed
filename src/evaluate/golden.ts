import type { AnswerContent } from '../dialects/answer-content.ts'
import { asRecord, parseJson } from '../dialects/json-value.ts'
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
