import { Option } from 'commander'

/** How a command shows what the proxy answered: for people, or the admin API's own JSON for scripts. */
export const ANSWER_FORMATS = ['table', 'json'] as const

export type AnswerFormat = (typeof ANSWER_FORMATS)[number]

export function formatOption(): Option {
  return new Option('-f, --format <format>', 'how to print').choices(ANSWER_FORMATS).default('table')
}

export function answerJson(answer: unknown): string {
  return JSON.stringify(answer, undefined, 2)
}
