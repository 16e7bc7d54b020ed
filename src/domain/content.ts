import { BUILT_IN_RULES, type RedactionRules } from './redaction/redactor.ts'

export const CONTENT_MODES = ['off', 'hash', 'truncated', 'full'] as const

/**
 * What is kept of prompts and answers. `hash`: keyed hashes, by which equal ones are known and nothing else. `truncated`:
 * the beginning and the end, redacted. `full`: all, redacted.
 */
export type ContentMode = (typeof CONTENT_MODES)[number]

export type ContentPolicy = {
  readonly mode: ContentMode
  /** Wins over the provider's. */
  readonly routes: ReadonlyMap<string, ContentMode>
  readonly providers: ReadonlyMap<string, ContentMode>
  /** Of `truncated`: characters kept of the beginning and of the end. */
  readonly headChars: number
  readonly tailChars: number
  /** Bodies and answers larger than this are hashed only: redacting takes time that others wait for. */
  readonly maxBytes: number
  readonly rules: RedactionRules
  /** Whether any mode is other than `off`. */
  readonly isOn: boolean
}

/** What was said, as bytes, until its row is made. Nothing of it is redacted. */
export type CapturedContent = {
  readonly mode: Exclude<ContentMode, 'off'>
  readonly policy: ContentPolicy
  /** The client's body, decoded; undefined where it could not be decoded. */
  readonly request: Uint8Array | undefined
  readonly answer: CapturedAnswer | undefined
}

/** `bytes`: decoded, complete unless `isCut`; undefined where there were more than `maxBytes`. */
export type CapturedAnswer = { readonly bytes: Uint8Array | undefined; readonly isCut: boolean }

/** The mode for a request that `provider` was called for by way of `route`. */
export function contentModeOf(policy: ContentPolicy, route: string, provider: string): ContentMode {
  if (!policy.isOn) return 'off'
  return policy.routes.get(route) ?? policy.providers.get(provider) ?? policy.mode
}

/** `text`, or its first and last characters around a marker that says how many are missing. */
export function headAndTail(text: string, headChars: number, tailChars: number): string {
  const missing = text.length - headChars - tailChars
  if (missing <= 0) return text
  return `${text.slice(0, headChars)}[… ${missing} characters …]${tailChars === 0 ? '' : text.slice(-tailChars)}`
}

/** The policy that keeps nothing. */
export const NO_CONTENT: ContentPolicy = {
  mode: 'off',
  routes: new Map(),
  providers: new Map(),
  headChars: 2_000,
  tailChars: 1_000,
  maxBytes: 262_144,
  rules: { builtIn: BUILT_IN_RULES, patterns: [], paths: [] },
  isOn: false,
}
