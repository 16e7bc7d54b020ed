import { asRecord, parseJson } from '../dialects/json-value.ts'
import type { ToolCall } from '../dialects/content-parts.ts'
import { type Evaluator, type EvaluationInput, isAnswered, NOT_APPLICABLE, scored, type Verdict } from './evaluator.ts'

/**
 * How far two answers call the same tools with the same arguments: each call is paired with the most alike call of the
 * same tool in the other answer, and the likenesses are held against the mean number of calls (Dice's coefficient).
 * Symmetric. Half of a call's likeness is its name, half its top-level arguments.
 */
export const toolMatch: Evaluator = { name: 'tool_match', version: 1, applies, score }

/** Calls of one answer that are compared. */
const MAX_CALLS = 32
/** Longer values are told apart by length and both ends alone. */
const MAX_VALUE_CHARS = 10_000

function applies(input: EvaluationInput): boolean {
  const { answer, other } = input
  return isAnswered(input) && other !== undefined && answer.toolCalls.length + other.toolCalls.length > 0
}

function score(input: EvaluationInput): Verdict {
  if (!applies(input)) return NOT_APPLICABLE
  const own = readCalls(input.answer.toolCalls)
  const others = readCalls(input.other?.toolCalls ?? [])
  if (own.length === 0 || others.length === 0) return scored(0, 'only one of the two calls a tool')
  const value = (2 * pairedLikeness(own, others)) / (own.length + others.length)
  return scored(value, `${own.length} against ${others.length} calls, alike to ${Math.round(100 * value)} %`)
}

type ReadCall = { readonly name: string; readonly members: ReadonlyMap<string, string> }

function readCalls(calls: readonly ToolCall[]): readonly ReadCall[] {
  return calls.slice(0, MAX_CALLS).map(({ name, argumentsText }) => ({ name, members: membersOf(argumentsText) }))
}

/** Top-level arguments, each as text; what is no object counts as one argument. */
function membersOf(argumentsText: string): ReadonlyMap<string, string> {
  const value = parseJson(argumentsText)
  const members = Object.entries(asRecord(value) ?? { '': value ?? argumentsText })
  return new Map(members.slice(0, 200).map(([key, held]) => [key, sortedText(held).slice(0, MAX_VALUE_CHARS)]))
}

/** JSON with the members of its objects in order of their names; '' for what is nested too deep. */
function sortedText(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, held: unknown) => {
      const record = asRecord(held)
      return record === undefined ? held : Object.fromEntries(Object.entries(record).sort(byName))
    })
  } catch {
    return ''
  }
}

function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/**
 * Pairs the most alike first. Pairs that tie in all that they are sorted by are (i, j) and (j, i), which do not exclude
 * each other: so the sum is the same from either side.
 */
function pairedLikeness(own: readonly ReadCall[], others: readonly ReadCall[]): number {
  const pairs = own.flatMap((one, i) => others.map((other, j) => ({ i, j, likeness: likenessOf(one, other) })))
  pairs.sort((a, b) => b.likeness - a.likeness || a.i + a.j - (b.i + b.j) || Math.abs(a.i - a.j) - Math.abs(b.i - b.j))
  const takenOwn = new Set<number>()
  const takenOthers = new Set<number>()
  let sum = 0
  for (const { i, j, likeness } of pairs) {
    if (takenOwn.has(i) || takenOthers.has(j)) continue
    takenOwn.add(i)
    takenOthers.add(j)
    sum += likeness
  }
  return sum
}

function likenessOf(one: ReadCall, other: ReadCall): number {
  if (one.name !== other.name) return 0
  const keys = new Set([...one.members.keys(), ...other.members.keys()])
  if (keys.size === 0) return 1
  let same = 0
  for (const key of keys) if (one.members.get(key) === other.members.get(key)) same += 1
  return 0.5 + (0.5 * same) / keys.size
}
