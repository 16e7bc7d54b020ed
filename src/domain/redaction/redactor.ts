import { findEmails } from './find-emails.ts'
import { findCards, findIbans, findPhones } from './find-numbers.ts'
import { findPrivateKeys, findSecrets, findTokens } from './find-secrets.ts'
import type { JsonPath } from './json-path.ts'
import { type Json, redactJson } from './redact-json.ts'
import { type Counts, redactText } from './redact-text.ts'
import type { Rule } from './span.ts'

/** What the proxy knows to look for. */
export const BUILT_IN_RULES = ['credentials', 'email', 'card', 'phone', 'iban'] as const
export type BuiltInRule = (typeof BUILT_IN_RULES)[number]

const FINDERS: Readonly<Record<BuiltInRule, readonly Rule[]>> = {
  credentials: [findPrivateKeys, findTokens, findSecrets],
  email: [findEmails],
  card: [findCards],
  phone: [findPhones],
  iban: [findIbans],
}

/** A pattern of the operator's own, in an engine whose time grows with the text alone. */
export type NamedPattern = { readonly name: string; readonly source: string; readonly find: Rule }

/** What is taken out of all that is stored. */
export type RedactionRules = {
  readonly builtIn: readonly BuiltInRule[]
  readonly patterns: readonly NamedPattern[]
  readonly paths: readonly JsonPath[]
}

/** Takes out what must not be stored and counts it. The same text gives the same, and redacting twice is as once. */
export type Redactor = {
  readonly text: (text: string, counts: Counts) => string
  readonly json: (value: unknown, counts: Counts) => Json
}

export function createRedactor({ builtIn, patterns, paths }: RedactionRules): Redactor {
  const rules = [...builtIn.flatMap((name) => FINDERS[name]), ...patterns.map(({ find }) => find)]
  const jsonRules = {
    rules,
    paths: paths.map(({ steps }) => steps),
    takesNamedSecrets: builtIn.includes('credentials'),
  }
  return {
    text: (text, counts) => redactText(text, rules, counts),
    json: (value, counts) => redactJson(value, jsonRules, counts),
  }
}
