import { descend } from './json-path.ts'
import type { PathState } from './json-path.ts'
import { type Counts, redactText } from './redact-text.ts'
import { placeholder } from './span.ts'
import type { Rule } from './span.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** Real bodies nest to about twenty; beyond this nothing is kept. */
const MAX_DEPTH = 100
/** JSON in a string in JSON: arguments of a tool, and an answer of a tool that quotes them. */
const MAX_NESTED_TEXTS = 3
/** Members whose text is a secret whatever it looks like. */
const SECRET_NAMES =
  /^(?:authorization|(?:x[-_])?(?:goog[-_])?api[-_]?key|(?:access|refresh|auth|id)[-_]?token|client[-_]?secret|(?:secret[-_]?)?access[-_]?key|private[-_]?key|pass(?:word|wd)|secret)$/i
/** Pictures, sounds and files as base64: their bytes cannot be searched, so they are not stored. */
const LONGEST_BASE64 = 1_024
const BASE64 = /^(?:data:[\w.+/;=-]{0,200},)?[A-Za-z0-9+/_-]+={0,2}$/

export type JsonRules = {
  readonly rules: readonly Rule[]
  readonly paths: readonly PathState[]
  /** Whether members with a secret's name are taken out. */
  readonly takesNamedSecrets: boolean
}

/** `value` with its texts, names and long numbers redacted, and all that the paths lead to taken out. */
export function redactJson(value: unknown, { rules, paths, takesNamedSecrets }: JsonRules, counts: Counts): Json {
  return walk(value, paths, 0, 0)

  function walk(node: unknown, states: readonly PathState[], depth: number, nested: number): Json {
    if (typeof node === 'string') return text(node, states, depth, nested)
    if (typeof node === 'number') return number(node)
    if (typeof node === 'boolean' || node === null || node === undefined) return node ?? null
    if (typeof node !== 'object') return null
    if (depth === MAX_DEPTH) return take('too_deep')
    if (Array.isArray(node)) return node.map((element: unknown, index) => child(index, element, states, depth, nested))
    const members: [string, Json][] = []
    for (const [name, member] of Object.entries(node)) {
      members.push([redactText(name, rules, counts), child(name, member, states, depth, nested)])
    }
    return Object.fromEntries(members)
  }

  function child(
    key: string | number,
    node: unknown,
    states: readonly PathState[],
    depth: number,
    nested: number,
  ): Json {
    const below = states.length === 0 ? NOWHERE : descend(states, key)
    if (below.isMatch) return take('json_path')
    const isSecret = takesNamedSecrets && typeof key === 'string' && typeof node === 'string' && node !== ''
    if (isSecret && SECRET_NAMES.test(key)) return isTaken(node) ? node : take('secret')
    return walk(node, below.states, depth + 1, nested)
  }

  function text(node: string, states: readonly PathState[], depth: number, nested: number): string {
    if (node.length > LONGEST_BASE64 && BASE64.test(node)) return take('media')
    return redactText(nestedText(node, states, depth, nested), rules, counts)
  }

  /** JSON within a text is read as such, so that what it escapes is seen and paths of any depth lead into it. */
  function nestedText(node: string, states: readonly PathState[], depth: number, nested: number): string {
    if (nested === MAX_NESTED_TEXTS || !/^\s*[[{]/.test(node)) return node
    const inner = parsed(node)
    if (typeof inner !== 'object' || inner === null) return node
    const before = JSON.stringify(inner)
    const after = JSON.stringify(walk(inner, states, depth + 1, nested + 1))
    return after === before ? node : after
  }

  /** A card number may come as a number. */
  function number(node: number): Json {
    if (!Number.isSafeInteger(node) || node < 1e9) return node
    const written = String(node)
    const kept = redactText(written, rules, counts)
    return kept === written ? node : kept
  }

  function take(kind: string): string {
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
    return placeholder(kind)
  }
}

const NOWHERE = { isMatch: false, states: [] }

function isTaken(text: string): boolean {
  return /^\[redacted:[\w-]+\]$/.test(text)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
