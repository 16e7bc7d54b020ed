import { RE2JS } from 're2js'

/** A regular expression in RE2's syntax (no look-around, no back-references), matched in linear time. */
export type LinearPattern = {
  /** Whether it is found anywhere in `text`. */
  readonly test: (text: string) => boolean
  /** Upper bound of the steps that `test` takes. */
  readonly stepsOn: (text: string) => number
}

/** A longer source is a program, not a pattern. */
const MAX_SOURCE_CHARS = 1_000
/** Instructions: `{1000}` unrolls, so a short source can be a large program. */
const MAX_PROGRAM = 2_000

/** Compiles `source`; the text of a fault where it is none of RE2's or too large. */
export function linearPattern(source: string, isCaseSensitive = true): LinearPattern | { readonly fault: string } {
  if (source.length > MAX_SOURCE_CHARS) return { fault: `longer than ${MAX_SOURCE_CHARS} characters` }
  try {
    const compiled = RE2JS.compile(source, isCaseSensitive ? 0 : RE2JS.CASE_INSENSITIVE)
    const size = compiled.programSize()
    if (size > MAX_PROGRAM) return { fault: `unrolls to ${size} steps, expected at most ${MAX_PROGRAM}` }
    return { test: (text) => compiled.test(text), stepsOn: (text) => size * (text.length + 1) }
  } catch (cause) {
    return { fault: cause instanceof Error ? cause.message : 'not a pattern' }
  }
}
