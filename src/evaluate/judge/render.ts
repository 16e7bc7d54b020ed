import type { AnswerContent } from '../../dialects/answer-content.ts'
import type { PromptContent } from '../../dialects/prompt-content.ts'
import { type Redact, sanitised } from './sanitise.ts'

/** Characters of one answer that a judge reads, about six thousand tokens. */
const MAX_ANSWER_CHARS = 24_000
const MAX_SYSTEM_CHARS = 4_000
const MAX_TURN_CHARS = 8_000
/** Turns before the last that a judge reads. */
const TURNS_BEFORE = 6
const MAX_CALLS = 16

/** The request as a judge reads it: what the model was told, the last turns, and the form that was asked for. */
export function renderedPrompt(prompt: PromptContent, redact?: Redact): string {
  const told = prompt.system === '' ? [] : [`(instructions) ${sanitised(prompt.system, MAX_SYSTEM_CHARS, redact)}`]
  const turns = prompt.turns
    .slice(-1 - TURNS_BEFORE)
    .map(({ role, text }) => `(${role}) ${sanitised(text, MAX_TURN_CHARS, redact)}`)
  const tools =
    prompt.tools.length === 0 ? [] : [`(tools) ${sanitised(prompt.tools.map(({ name }) => name).join(', '), 1_000)}`]
  const form = prompt.format.kind === 'text' ? [] : ['(form) The answer must be JSON.']
  return [...told, ...tools, ...form, ...turns].join('\n\n')
}

/** An answer as a judge reads it: its words and its calls, and nothing that tells who gave it. */
export function renderedAnswer(answer: AnswerContent, redact?: Redact): string {
  const words = [answer.text, answer.refusal !== answer.text ? (answer.refusal ?? '') : '']
  const calls = answer.toolCalls
    .slice(0, MAX_CALLS)
    .map(({ name, argumentsText }) => `(calls tool ${name} with) ${argumentsText}`)
  const all = [...words, ...calls].filter((text) => text.trim() !== '').join('\n')
  return all === '' ? '(an empty answer)' : sanitised(all, MAX_ANSWER_CHARS, redact)
}
