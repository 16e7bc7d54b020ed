import type { Path } from './fault.ts'
import { fileSchema } from './schema.ts'
import { factsAt, shorthandAt } from './schema-path.ts'
import { parseYaml, type YamlNode } from './yaml-tree.ts'

/** As `interpolate` reads it. */
const REFERENCE = /\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g

/** Shorter ones (a password like "understudy") are words that may stand elsewhere for something else. */
const LEAST_SECRET_CHARS = 12

/**
 * A config file as it may be kept: the same values as JSON, without comments. Where the schema says that a value may be a
 * secret only its `${NAME}` stay, and what was written out is `redacted-1`, `redacted-2` …; so is every other text that
 * holds one of them. `text` must be a config that could be read.
 */
export function redactedText(text: string): string {
  const { root } = parseYaml(text)
  const secrets = new Map<string, string>()
  const standIn = (literal: string): string => {
    const known = secrets.get(literal) ?? `redacted-${secrets.size + 1}`
    secrets.set(literal, known)
    return known
  }
  const value = root === undefined ? {} : plain(root, [], standIn)
  return JSON.stringify(withoutAll(value, secrets), undefined, 1)
}

function plain(node: YamlNode, path: Path, standIn: (literal: string) => string): unknown {
  if (node.kind === 'list') return node.items.map((item, index) => plain(item, [...path, index], standIn))
  if (node.kind === 'mapping') {
    return Object.fromEntries(node.entries.map(({ key, node: entry }) => [key, plain(entry, [...path, key], standIn)]))
  }
  const { value, source } = node
  if (value === null || !isSecret(path)) return value
  return typeof value === 'string' ? referencesOf(value, standIn) : standIn(source)
}

function isSecret(path: Path): boolean {
  const shorthand = shorthandAt(fileSchema, path)
  const step = shorthand === undefined ? undefined : 'list' in shorthand ? 0 : shorthand.key
  return factsAt(fileSchema, step === undefined ? path : [...path, step])?.isSecret === true
}

/** A text of references alone; what stands between them, and what a reference falls back to, is replaced. */
function referencesOf(text: string, standIn: (literal: string) => string): string {
  let result = ''
  let from = 0
  const literal = (part: string): string => (part === '' ? '' : standIn(part))
  for (const match of text.matchAll(REFERENCE)) {
    const [reference, name, fallback] = match
    if (name === undefined) continue
    result += literal(text.slice(from, match.index))
    result += fallback === undefined ? reference : `\${${name}:-${literal(fallback)}}`
    from = match.index + reference.length
  }
  return result + literal(text.slice(from))
}

/** The longest first, because one secret may begin another. */
function withoutAll(value: unknown, secrets: ReadonlyMap<string, string>): unknown {
  const sorted = [...secrets].filter(([secret]) => secret.length >= LEAST_SECRET_CHARS)
  sorted.sort(([a], [b]) => b.length - a.length)
  const clean = (text: string): string =>
    sorted.reduce((sum, [secret, name]) => (sum === name ? sum : sum.replaceAll(secret, name)), text)
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') return clean(part)
    if (Array.isArray(part)) return part.map(walk)
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([key, entry]) => [clean(key), walk(entry)]))
  }
  return walk(value)
}
