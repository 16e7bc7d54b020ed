import { kindAt, kindNamed } from './provider-kinds.ts'
import { isMapping, type Mapping } from './mapping.ts'
import type { Place } from './place.ts'

/**
 * The file's values with what the kinds of its providers say filled in, so that the schema and every check see whole
 * providers. A fault of a filled-in value is placed where the kind is named, and says whose word it is.
 *
 * A provider is of the kind that it names. Without one it is of the kind whose name it has, if it leaves the address to
 * that kind, or the dialect where the kind has no address; or else of the hosted kind whose address it gives.
 */
export function withKinds(value: unknown, places: Map<string, Place>): unknown {
  if (!isMapping(value) || !isMapping(value['providers'])) return value
  const providers = Object.entries(value['providers']).map(([name, entry]) => [name, whole(name, entry, places)])
  return { ...value, providers: Object.fromEntries(providers) }
}

function whole(name: string, entry: unknown, places: Map<string, Place>): unknown {
  // `groq:` and nothing more.
  const said = entry === null && kindNamed(name) !== undefined ? {} : entry
  if (!isMapping(said)) return entry
  const word = Object.hasOwn(said, 'kind') ? said['kind'] : impliedKind(name, said)
  if (word === undefined && !Object.hasOwn(said, 'kind')) {
    tellOfKind(name, said, places)
    return said
  }
  const kind = typeof word === 'string' ? kindNamed(word) : undefined
  // A wrong kind is a fault of its own: what a right one would have said must not be faults as well.
  const facts = kind === undefined ? kindNamed('openai') : { ...kind, kind: word }
  const path = ['providers', name]
  const place = places.get(JSON.stringify([...path, 'kind'])) ?? places.get(JSON.stringify(path))
  for (const [key, fact] of Object.entries(facts ?? {})) {
    if (Object.hasOwn(said, key) || place === undefined) continue
    const found = `${JSON.stringify(fact)}, which the kind ${String(word)} says`
    places.set(JSON.stringify([...path, key]), { ...place, path: [...path, key], found })
  }
  return { ...facts, ...said }
}

/** A provider that is called like a kind and lives elsewhere may be of that kind or not: its fault says how to say so. */
function tellOfKind(name: string, said: Mapping, places: Map<string, Place>): void {
  const place = places.get(JSON.stringify(['providers', name]))
  if (kindNamed(name) === undefined || Object.hasOwn(said, 'dialect') || place === undefined) return
  const path = ['providers', name, 'dialect']
  const found = `nothing (at an address of its own it is of the kind ${name} only with "kind: ${name}")`
  places.set(JSON.stringify(path), { ...place, path, found })
}

function impliedKind(name: string, said: Mapping): string | undefined {
  const address = said['base_url']
  const needsNoAddress = !Object.hasOwn(said, 'base_url')
  const needsOne = kindNamed(name)?.base_url === undefined && !Object.hasOwn(said, 'dialect')
  if (needsNoAddress || needsOne) return kindNamed(name) === undefined ? undefined : name
  return typeof address === 'string' ? kindAt(address, said['dialect']) : undefined
}
