import type { Controls } from '../request.ts'
import type { Labels, PromptFacts } from './facts.ts'
import { isWithin } from './condition.ts'
import type { Complexity, LabelRule, LabelRules, TextMatch } from './route.ts'

const COMPLEXITIES: readonly Complexity[] = ['simple', 'moderate', 'complex', 'unknown']

/** So much of the last user turn is looked at, so that no prompt makes deciding slow. */
const MAX_TEXT_CHARS = 4096

/** Gives a request its labels: what its headers say, else the first rule that holds, else `unknown`. */
export type Labeller = (controls: Pick<Controls, 'task' | 'complexity'>, prompt: PromptFacts | undefined) => Labels

/** Makes the rules ready to be asked: `rules` are looked at only where no header names the label. */
export function labellerOf(rules: LabelRules): Labeller {
  const tasks = rules.task.map(ready)
  const complexities = rules.complexity.map(ready)
  return (controls, prompt) => {
    const complexityAsked = COMPLEXITIES.find((complexity) => complexity === controls.complexity)
    const text = promptText(prompt)
    const task = controls.task ?? firstLabel(tasks, text)
    const complexity = complexityAsked ?? firstLabel(complexities, text)
    return {
      task: task ?? 'unknown',
      taskSource: controls.task !== undefined ? 'header' : task === undefined ? 'none' : 'rule',
      complexity: complexity ?? 'unknown',
      complexitySource: complexityAsked !== undefined ? 'header' : complexity === undefined ? 'none' : 'rule',
    }
  }
}

type PromptText = { readonly facts: PromptFacts; readonly text: string; readonly lower: () => string }
type ReadyRule<L> = { readonly label: L; readonly holds: (prompt: PromptText) => boolean }

function promptText(facts: PromptFacts | undefined): PromptText | undefined {
  if (facts === undefined) return undefined
  const text = facts.lastUserText.slice(0, MAX_TEXT_CHARS)
  let lower: string | undefined
  return { facts, text, lower: () => (lower ??= text.toLowerCase()) }
}

function firstLabel<L>(rules: readonly ReadyRule<L>[], prompt: PromptText | undefined): L | undefined {
  if (prompt === undefined) return undefined
  for (const rule of rules) if (rule.holds(prompt)) return rule.label
  return undefined
}

/** What costs least is asked first. */
function ready<L>({ label, when }: LabelRule<L>): ReadyRule<L> {
  const { keywords, pattern, inputTokens, turns, needs, hasCode } = when satisfies TextMatch
  const words = keywords?.map((word) => word.toLowerCase())
  return {
    label,
    holds: ({ facts, text, lower }) =>
      (hasCode === undefined || facts.hasCode === hasCode) &&
      (inputTokens === undefined || isWithin(inputTokens, facts.inputTokens)) &&
      (turns === undefined || isWithin(turns, facts.turn)) &&
      (needs === undefined || needs.every((need) => facts.needs.includes(need))) &&
      (words === undefined || words.some((word) => hasWord(lower(), word))) &&
      (pattern === undefined || pattern.test(text)),
  }
}

/** Whether `word` (one word or several) stands in `text` with no letter, digit or underscore right before or after it. */
function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!isWordAt(text, at - 1) && !isWordAt(text, at + word.length)) return true
  }
  return false
}

const WORD = /[\p{L}\p{N}_]/u

function isWordAt(text: string, at: number): boolean {
  return at >= 0 && at < text.length && WORD.test(text.charAt(at))
}
