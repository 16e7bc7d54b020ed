import { hash } from 'node:crypto'
import type { Ask, Spent } from './ask.ts'
import { countTokens } from './tokens.ts'

export type InputSpent = Pick<Spent, 'uncachedInput' | 'cacheRead' | 'cacheWrite5m' | 'cacheWrite1h'>

/** Remembers prompt prefixes, to report cache reads and writes as a provider would. Nothing ever expires. */
export type PromptCache = {
  /** Marked parts (`cache_control`): read if seen before, else written. The providers' least length is not enforced. */
  readonly marked: (model: string, ask: Ask) => InputSpent
  /** Without marks: prompts of 1024 tokens or more read what an earlier prompt began with, in steps of 128 tokens. */
  readonly automatic: (model: string, ask: Ask) => InputSpent
}

/** More than this, and the oldest is forgotten. */
const MAX_REMEMBERED = 1000
const LEAST_AUTOMATIC_TOKENS = 1024
const CHARACTERS_PER_TOKEN = 4

export function createPromptCache(): PromptCache {
  const prefixes = new Set<string>()
  const prompts = new Map<string, string>()

  return {
    marked(model, { prompt, cacheMarks }) {
      let [cacheRead, cacheWrite5m, cacheWrite1h, counted] = [0, 0, 0, 0]
      for (const { length, ttl } of cacheMarks) {
        const key = `${model}/${hash('sha256', prompt.slice(0, length))}`
        const tokens = countTokens(prompt.slice(0, length)) - counted
        counted += tokens
        if (prefixes.has(key)) cacheRead += tokens
        else if (ttl === '1h') cacheWrite1h += tokens
        else cacheWrite5m += tokens
        prefixes.add(key)
        forgetOldest(prefixes)
      }
      return { uncachedInput: countTokens(prompt) - counted, cacheRead, cacheWrite5m, cacheWrite1h }
    },

    automatic(model, { prompt }) {
      const total = countTokens(prompt)
      if (total < LEAST_AUTOMATIC_TOKENS)
        return { uncachedInput: total, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 }
      const start = prompt.slice(0, LEAST_AUTOMATIC_TOKENS * CHARACTERS_PER_TOKEN)
      const key = `${model}/${hash('sha256', start)}`
      const shared = Math.floor(countTokens(commonStart(prompts.get(key) ?? '', prompt)) / 128) * 128
      prompts.set(key, prompt)
      forgetOldest(prompts)
      const cacheRead = shared < LEAST_AUTOMATIC_TOKENS ? 0 : Math.min(shared, total)
      return { uncachedInput: total - cacheRead, cacheRead, cacheWrite5m: 0, cacheWrite1h: 0 }
    },
  }
}

function commonStart(left: string, right: string): string {
  const most = Math.min(left.length, right.length)
  let length = 0
  while (length < most && left.charCodeAt(length) === right.charCodeAt(length)) length += 1
  return right.slice(0, length)
}

function forgetOldest(remembered: {
  readonly size: number
  readonly keys: () => Iterator<string>
  readonly delete: (key: string) => boolean
}): void {
  if (remembered.size <= MAX_REMEMBERED) return
  const oldest = remembered.keys().next()
  if (oldest.done !== true) remembered.delete(oldest.value)
}
