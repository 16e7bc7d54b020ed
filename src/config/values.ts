import type { z } from 'zod'
import { type Path, type Problem } from './fault.ts'
import { type Environment, hasExpression, interpolate } from './interpolate.ts'
import { withKinds } from './expand-kinds.ts'
import { quote } from './leaf.ts'
import type { Place } from './place.ts'
import { factsAt, shorthandAt } from './schema-path.ts'
import type { YamlNode } from './yaml-tree.ts'

export type Values = {
  /** Plain mappings, lists and scalars, ready for the schema; undefined where a variable is missing. */
  readonly value: unknown
  readonly placeOf: (path: Path) => Place | undefined
  readonly problems: readonly Problem[]
}

/** Turns the tree into plain values, `${…}` replaced, and remembers where each came from. */
export function readValues(root: YamlNode, schema: z.core.$ZodType, environment: Environment): Values {
  const places = new Map<string, Place>()
  const problems: Problem[] = []

  function read(node: YamlNode, path: Path, keyOffset: number): unknown {
    const step = shortStep(node, path)
    if (step !== undefined) {
      const only = read(node, [...path, step], keyOffset)
      const place = places.get(JSON.stringify([...path, step]))
      // Both places are where the operator wrote one value, and are called what was written.
      for (const inner of [path, [...path, step]]) {
        if (place !== undefined) places.set(JSON.stringify(inner), { ...place, path })
      }
      return step === 0 ? [only] : { [step]: only }
    }
    const { value, found } = node.kind === 'scalar' ? readScalar(node, path) : { value: node, found: kindOfNode(node) }
    places.set(JSON.stringify(path), { path, keyOffset, offset: node.offset, end: node.end, found })
    if (node.kind === 'list') return node.items.map((item, index) => read(item, [...path, index], item.offset))
    if (node.kind === 'mapping') {
      // fromEntries defines own properties, so that no key can reach a prototype.
      return Object.fromEntries(node.entries.map((e) => [e.key, read(e.node, [...path, e.key], e.offset)]))
    }
    return value
  }

  /** The step from a section or list to its only value, where `node` is that value alone. */
  function shortStep(node: YamlNode, path: Path): string | 0 | undefined {
    const short =
      node.kind === 'list' || (node.kind === 'scalar' && node.value === null) ? undefined : shorthandAt(schema, path)
    if (short === undefined) return undefined
    if ('list' in short) return 0
    return node.kind === 'scalar' ? short.key : undefined
  }

  function readScalar(node: YamlNode & { kind: 'scalar' }, path: Path): { value: unknown; found: string } {
    const facts = factsAt(schema, path)
    const { value, source } = node
    if (value === null) return { value, found: 'nothing' }
    if (typeof value === 'string' && hasExpression(value)) {
      const { text, variables, faults } = interpolate(value, environment)
      problems.push(...faults.map((fault) => ({ offset: node.offset, path, text: fault })))
      const from = variables.map((name) => `\${${name}}`).join(' and ')
      return {
        value: faults.length > 0 ? undefined : (facts?.fromText(text) ?? text),
        found: variables.length === 0 ? kindOf(text) : `a value from ${from}`,
      }
    }
    const shown = facts?.show(typeof value === 'string' ? value : source)
    return {
      value: typeof value === 'number' && facts?.takesDigits === true ? source : value,
      found: shown === undefined ? kindOf(value) : typeof value === 'string' ? shown : shown.slice(1, -1),
    }
  }

  const value = read(root, [], root.offset)
  return {
    value: withKinds(withStoreWord(value, places), places),
    placeOf: (path) => places.get(JSON.stringify(path)),
    problems,
  }
}

/** `store: none` is short for `store: { kind: none }`; its faults still speak of `store`. */
function withStoreWord(value: unknown, places: Map<string, Place>): unknown {
  if (typeof value !== 'object' || value === null || !('store' in value) || typeof value.store !== 'string')
    return value
  const place = places.get(JSON.stringify(['store']))
  if (place !== undefined) {
    const isWord = /^[a-z]{1,12}$/.test(value.store)
    places.set(JSON.stringify(['store', 'kind']), { ...place, found: isWord ? quote(value.store) : place.found })
  }
  return { ...value, store: { kind: value.store } }
}

function kindOfNode(node: YamlNode): string {
  return node.kind === 'list' && node.items.length === 0 ? 'an empty list' : `a ${node.kind}`
}

function kindOf(value: string | number | boolean): string {
  if (typeof value === 'boolean') return 'true or false'
  if (typeof value === 'number') return 'a number'
  return value === '' ? 'an empty text' : 'a text'
}

/** Reads `value` at `path`; undefined where there is nothing. */
export function valueAt(value: unknown, path: Path): unknown {
  let found = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = Reflect.get(found, step)
  }
  return found
}
