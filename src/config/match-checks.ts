import { TASK_TYPES } from '../domain/routing/route.ts'
import { showKey, type Path } from './fault.ts'
import { isMapping } from './mapping.ts'
import type { Finding, Loose } from './loose.ts'
import { nearest } from './nearest.ts'

/** Headers that carry keys, or sessions as good as keys: a policy and its traces must hold none of them. */
const CREDENTIALS = [
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'cookie',
  'set-cookie',
]

const APIS: Readonly<Record<string, readonly string[]>> = {
  openai: ['chat_completions', 'responses', 'completions', 'embeddings'],
  anthropic: ['messages', 'count_tokens'],
  gemini: ['generate_content', 'count_tokens', 'embed_content'],
}

/** What is wrong with the match at `path`, of a route whose targets are of `dialect`. */
export function checkMatch(file: Loose, path: Path, dialect: string | undefined): Finding[] {
  return [
    ...checkProviderNames(file, [...path, 'mount']),
    ...checkTasks(file, [...path, 'task']),
    ...checkHeaders(file, [...path, 'headers']),
    ...checkRange(file, [...path, 'input_tokens']),
    ...checkRange(file, [...path, 'turn']),
    ...(dialect === undefined ? [] : checkDialect(file, path, dialect)),
  ]
}

/** The list at `path`, as far as it holds texts; undefined where there is none. */
export function textsAt(file: Loose, path: Path): readonly string[] | undefined {
  const list = file.at(path)
  return Array.isArray(list) ? list.filter((entry) => typeof entry === 'string') : undefined
}

/** Entries of the list at `path` that are no provider of the file. */
export function checkProviderNames(file: Loose, path: Path): Finding[] {
  const known = file.stepsAt(['providers']).map(String)
  return namesOutside(file, path, known, 'a provider of this file')
}

/** Task types are the policy's own list, so a name that is not in it is a slip and would never match. */
export function checkTasks(file: Loose, path: Path): Finding[] {
  return namesOutside(file, path, knownTasks(file), 'a task type of labels.task_types')
}

/** Keys of the mapping at `path` that are no task types. */
export function checkTaskKeys(file: Loose, path: Path): Finding[] {
  const known = textsAt(file, ['labels', 'task_types']) ?? TASK_TYPES
  return file.stepsAt(path).flatMap((step) => {
    if (known.includes(String(step))) return []
    const text = `expected a task type of labels.task_types (${known.join(', ')}), found "${showKey(String(step))}"`
    return [{ path: [...path, step], at: 'key' as const, text }]
  })
}

/** Entries of the list at `path` that are not `known`. */
function namesOutside(file: Loose, path: Path, known: readonly string[] | undefined, what: string): Finding[] {
  if (known === undefined) return []
  return file.stepsAt(path).flatMap((step) => {
    const name = file.at([...path, step])
    if (typeof name !== 'string' || known.includes(name)) return []
    return [
      { path: [...path, step], at: 'value' as const, text: unknownName(file, [...path, step], name, known, what) },
    ]
  })
}

/** `expected a provider of this file, found "opnai". Did you mean "openai"? Known: openai, groq`. */
export function unknownName(file: Loose, path: Path, name: string, known: readonly string[], what: string): string {
  const near = nearest(name, known)
  const hint = near === undefined ? '' : ` Did you mean "${near}"?`
  return `expected ${what}, found ${file.found(path)}.${hint} Known: ${known.join(', ')}`
}

function knownTasks(file: Loose): readonly string[] {
  return [...(textsAt(file, ['labels', 'task_types']) ?? TASK_TYPES), 'unknown']
}

function checkHeaders(file: Loose, path: Path): Finding[] {
  return file.stepsAt(path).flatMap((step) => {
    const name = String(step).toLowerCase()
    const at = { path: [...path, step], at: 'key' as const }
    if (CREDENTIALS.includes(name)) {
      const text = `expected a header that carries no key, found "${name}". Match on \`key\`, which names a key without showing it`
      return [{ ...at, text }]
    }
    if (name.startsWith('x-understudy-')) {
      const text = `expected a header of the application's own, found "${showKey(name)}". Match on team, user, tags, task, complexity or flag`
      return [{ ...at, text }]
    }
    if (!/^[!#$%&'*+.^_`|~\da-z-]+$/.test(name)) {
      return [{ ...at, text: `expected a header name of letters, digits and -, found "${showKey(name)}"` }]
    }
    return []
  })
}

/** Ranges that say nothing, or that no number is in. */
export function checkRange(file: Loose, path: Path): Finding[] {
  const range = file.at(path)
  if (!isMapping(range)) return []
  const { from, below } = range
  if (from === undefined && below === undefined) {
    return [{ path, at: 'value', text: 'expected from, below or both, found neither' }]
  }
  if (typeof from !== 'number' || typeof below !== 'number' || from < below) return []
  return [
    { path, at: 'value', text: `expected from to be less than below, found ${from} and ${below}: no number is in it` },
  ]
}

/** Conditions that rule out every request in the dialect of the route's targets. */
function checkDialect(file: Loose, path: Path, dialect: string): Finding[] {
  const why = `no request of the dialect ${dialect}, which the targets speak`
  const findings: Finding[] = []
  const dialects = textsAt(file, [...path, 'dialect'])
  if (dialects !== undefined && dialects.length > 0 && !dialects.includes(dialect)) {
    findings.push({ path: [...path, 'dialect'], at: 'value', text: never(dialect, dialects, why) })
  }
  const apis = textsAt(file, [...path, 'api'])
  const known = APIS[dialect] ?? []
  if (apis !== undefined && apis.length > 0 && !apis.some((api) => known.includes(api))) {
    findings.push({ path: [...path, 'api'], at: 'value', text: never(known.join(' or '), apis, why) })
  }
  const mounts = textsAt(file, [...path, 'mount'])
  const speakers = file.stepsAt(['providers']).filter((name) => file.at(['providers', name, 'dialect']) === dialect)
  const areKnown = mounts?.every((mount) => file.at(['providers', mount]) !== undefined) === true
  if (mounts !== undefined && mounts.length > 0 && areKnown && !mounts.some((mount) => speakers.includes(mount))) {
    findings.push({ path: [...path, 'mount'], at: 'value', text: never(speakers.join(' or '), mounts, why) })
  }
  return findings
}

function never(expected: string, found: readonly string[], why: string): string {
  return `expected ${expected}, found ${found.join(', ')}: ${why}, can ever match`
}
