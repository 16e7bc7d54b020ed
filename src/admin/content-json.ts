import type { ContentPolicy } from '../domain/content.ts'
import type { Json } from './ports.ts'

/** What is kept of prompts and answers. A pattern may hold what it looks for, so only names of patterns are shown. */
export function contentJson(content: ContentPolicy): Json {
  return {
    mode: content.mode,
    providers: Object.fromEntries(content.providers),
    routes: Object.fromEntries(content.routes),
    head_chars: content.headChars,
    tail_chars: content.tailChars,
    max_bytes: content.maxBytes,
    redact: {
      built_in: content.rules.builtIn,
      patterns: content.rules.patterns.map(({ name }) => name),
      json_paths: content.rules.paths.map(({ source }) => source),
    },
  }
}
