import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { type Path, type Problem, showKey } from './fault.ts'
import { yamlFault } from './yaml-fault.ts'

/** A value of the file with its place; aliases and merge keys resolved. */
export type YamlNode =
  | (Span & { readonly kind: 'mapping'; readonly entries: readonly YamlEntry[] })
  | (Span & { readonly kind: 'list'; readonly items: readonly YamlNode[] })
  | (Span & { readonly kind: 'scalar'; readonly value: Scalar; readonly source: string })

/** From the value's first character to the one after its last. */
type Span = { readonly offset: number; readonly end: number }

export type YamlEntry = { readonly key: string; readonly offset: number; readonly node: YamlNode }

type Scalar = string | number | boolean | null

export type YamlTree = {
  /** Undefined for an empty file. */
  readonly root: YamlNode | undefined
  /** Where the YAML breaks: what follows the first of these was read by guessing. */
  readonly syntax: readonly Problem[]
  /** What is YAML but cannot be config: duplicate keys, unknown aliases, keys that are no names. */
  readonly structure: readonly Problem[]
  readonly place: (offset: number) => { readonly line: number; readonly column: number }
}

/** Far above any real config; a few nested aliases can ask for billions of values. */
const MAX_NODES = 20_000
const MAX_DEPTH = 32

/** Reads one YAML 1.2 document, anchors, aliases and `<<` included. Never throws. */
export function parseYaml(text: string): YamlTree {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, uniqueKeys: false })
  const lineOf = (offset: number): number => lines.linePos(offset).line
  const walk = walker(lineOf)
  const root = document.contents === null ? undefined : walk.read(document.contents, [], 0)
  const syntax: Problem[] = []
  const seenLines = new Set<number>()
  for (const error of [...document.errors, ...document.warnings].toSorted((a, b) => a.pos[0] - b.pos[0])) {
    const offset = Math.min(error.pos[0], text.length)
    // One slip makes the parser stumble several times on the same line.
    if (seenLines.has(lineOf(offset))) continue
    seenLines.add(lineOf(offset))
    const around = root === undefined ? undefined : innermost(root, offset)
    const beginsInLine = lineOf(around?.offset ?? 0)
    syntax.push({ offset, path: [], text: yamlFault(error, text.slice(offset - 1, offset), beginsInLine) })
  }
  return {
    root,
    syntax,
    structure: walk.problems,
    place: (offset) => {
      // An empty file has no lines to count.
      const { line, col } = lines.linePos(offset)
      return { line: Math.max(line, 1), column: Math.max(col, 1) }
    },
  }
}

type Walker = {
  readonly read: (node: unknown, path: Path, offset: number) => YamlNode
  readonly problems: readonly Problem[]
}

function walker(lineOf: (offset: number) => number): Walker {
  const problems: Problem[] = []
  const anchors = new Map<string, unknown>()
  let nodes = 0

  function nothing(offset: number): YamlNode {
    return { kind: 'scalar', offset, end: offset, value: null, source: '' }
  }

  function read(node: unknown, path: Path, fallback: number): YamlNode {
    nodes += 1
    if (nodes > MAX_NODES || path.length > MAX_DEPTH) {
      // Said once: every further value would only repeat it.
      if (nodes <= MAX_NODES * 2) {
        problems.push({
          offset: fallback,
          path: path.slice(0, 4),
          text: `expected at most ${MAX_NODES} values in at most ${MAX_DEPTH} levels, found more, aliases counted each time`,
        })
      }
      nodes = MAX_NODES * 3
      return nothing(fallback)
    }
    if (isAlias(node)) {
      const offset = node.range?.[0] ?? fallback
      if (anchors.has(node.source)) return read(anchors.get(node.source), path, offset)
      problems.push({ offset, path, text: 'expected an alias of an anchor further up, found one that is not there' })
      return nothing(offset)
    }
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return nothing(fallback)
    if (node.anchor !== undefined) anchors.set(node.anchor, node)
    const [offset, end] = node.range ?? [fallback, fallback]
    if (isSeq(node)) {
      const items = node.items.map((item, index) => read(item, [...path, index], offset))
      return { kind: 'list', offset, end, items }
    }
    if (isMap(node)) return { kind: 'mapping', offset, end, entries: readEntries(node.items, path, offset) }
    const value = node.value
    const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    return { kind: 'scalar', offset, end, value: isPlain ? value : null, source: node.source ?? '' }
  }

  function readEntries(pairs: readonly { key: unknown; value: unknown }[], path: Path, offset: number): YamlEntry[] {
    const entries = new Map<string, YamlEntry>()
    const merged: YamlEntry[] = []
    for (const pair of pairs) {
      const key = isScalar(pair.key) ? pair.key : undefined
      const keyOffset = (isNode(pair.key) ? pair.key.range?.[0] : undefined) ?? offset
      const name = key?.source ?? ''
      if (name === '<<') {
        merged.push(...entriesOf(read(pair.value, path, keyOffset)))
        continue
      }
      if (name === '' || name === '__proto__') {
        problems.push({ offset: keyOffset, path, text: 'expected a name as the key, found something else' })
        continue
      }
      const first = entries.get(name)
      if (first !== undefined) {
        const found = `found "${showKey(name)}" again, first in line ${lineOf(first.offset)}`
        problems.push({ offset: keyOffset, path: [...path, name], text: `expected every key once, ${found}` })
        continue
      }
      entries.set(name, { key: name, offset: keyOffset, node: read(pair.value, [...path, name], keyOffset) })
    }
    // A key of the mapping itself wins over a merged one, and the first merged one over later ones.
    for (const entry of merged) if (!entries.has(entry.key)) entries.set(entry.key, entry)
    return [...entries.values()]
  }

  return { read, problems }
}

/** What `<<` brings in: a mapping, or a list of them. */
function entriesOf(node: YamlNode): readonly YamlEntry[] {
  if (node.kind === 'mapping') return node.entries
  return node.kind === 'list' ? node.items.flatMap((item) => entriesOf(item)) : []
}

/** The smallest value that `offset` lies in, or right behind. */
function innermost(node: YamlNode, offset: number): YamlNode | undefined {
  if (node.offset > offset || node.end < offset) return undefined
  const children =
    node.kind === 'mapping' ? node.entries.map((entry) => entry.node) : node.kind === 'list' ? node.items : []
  // The last, because the one right before a value may end where it begins.
  for (const child of children.toReversed()) {
    const found = innermost(child, offset)
    if (found !== undefined) return found
  }
  return node
}
