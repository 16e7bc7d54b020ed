import { type Evaluator, hasText, isAnswered, NOT_APPLICABLE, passed } from './evaluator.ts'
import { linearPattern } from './linear-pattern.ts'

/** A rule that an operator writes: what a good answer holds, or must not hold. */
export type PatternRule = {
  readonly name: string
  /** Of the rule as it is written; the operator counts it up with every change. */
  readonly version: number
  /** RE2 syntax, or plain text where `isLiteral`. */
  readonly pattern: string
  readonly isLiteral: boolean
  readonly isCaseSensitive: boolean
  /** True: an answer must hold it; false: it must not. */
  readonly isWanted: boolean
}

/** A pattern that took more on one answer would hold up the rest. */
const MAX_STEPS = 200_000_000

/** The evaluator of one rule; the text of a fault where its pattern is none. */
export function patternMatch(rule: PatternRule): Evaluator | { readonly fault: string } {
  const { name, version, isWanted } = rule
  const found = finderOf(rule)
  if ('fault' in found) return found
  return {
    name: `pattern:${name}`,
    version,
    applies: isWanted ? isAnswered : hasText,
    score: (input) => {
      if (!(isWanted ? isAnswered : hasText)(input)) return NOT_APPLICABLE
      const { text } = input.answer
      if (found.stepsOn(text) > MAX_STEPS) return { kind: 'failed', why: 'the answer is too long for this pattern' }
      const isFound = found.test(text)
      return passed(
        isFound === isWanted,
        isFound ? 'found, as wanted' : 'absent, as wanted',
        isFound ? 'found' : 'absent',
      )
    },
  }
}

function finderOf({ pattern, isLiteral, isCaseSensitive }: PatternRule): ReturnType<typeof linearPattern> {
  if (pattern === '') return { fault: 'expected a pattern, found an empty text' }
  if (!isLiteral) return linearPattern(pattern, isCaseSensitive)
  const wanted = isCaseSensitive ? pattern : pattern.toLowerCase()
  return {
    test: (text) => (isCaseSensitive ? text : text.toLowerCase()).includes(wanted),
    stepsOn: (text) => text.length,
  }
}
