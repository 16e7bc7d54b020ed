import type { AnswerContent } from './answer-content.ts'
import type { PromptContent } from './prompt-content.ts'

/** What a prompt asks, in one text that is the same for prompts that differ in white space, order of fields or dialect. */
export function comparablePrompt({ system, turns, tools }: PromptContent): string {
  return JSON.stringify([
    normal(system),
    turns.map(({ role, text }) => [role, normal(text)]),
    tools.map(({ name }) => name),
  ])
}

/** What an answer says, likewise. */
export function comparableAnswer({ text, toolCalls, refusal }: AnswerContent): string {
  return JSON.stringify([
    normal(text),
    toolCalls.map(({ name, argumentsText }) => [name, normal(argumentsText)]),
    normal(refusal ?? ''),
  ])
}

function normal(text: string): string {
  return text.normalize('NFC').replaceAll(/\s+/g, ' ').trim()
}
