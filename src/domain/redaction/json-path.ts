/** One step of a path: a member's name, an element's index, or any; `isDeep`: at any depth below (`..`). */
export type PathStep = { readonly name: string | number | undefined; readonly isDeep: boolean }

/** A JSONPath (RFC 9535) of names, indexes and wildcards, at one depth or at any; without slices and filters. */
export type JsonPath = { readonly source: string; readonly steps: readonly PathStep[] }

const MOST_STEPS = 16
const STEP =
  /(\.\.?)(?:(\*)|([\p{L}_][\p{L}\p{N}_-]*))|(\.\.)?\[(?:(\*)|(\d{1,9})|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/uy

/** Parses `$.metadata.ssn`, `$.messages[*].name`, `$..['card number']`. Undefined for anything else. */
export function parseJsonPath(source: string): JsonPath | undefined {
  if (!source.startsWith('$') || source.length > 500) return undefined
  const steps: PathStep[] = []
  STEP.lastIndex = 1
  while (STEP.lastIndex < source.length) {
    const match = STEP.exec(source)
    if (match === null) return undefined
    const [, dots, , member, deep, , index, single, double] = match
    const quoted = (single ?? double)?.replaceAll(/\\(.)/g, '$1')
    const name = member ?? quoted ?? (index === undefined ? undefined : Number(index))
    steps.push({ name, isDeep: dots === '..' || deep !== undefined })
  }
  return steps.length === 0 || steps.length > MOST_STEPS ? undefined : { source, steps }
}

/** What is left of a path at some node: the steps that are still to be matched below it. */
export type PathState = readonly PathStep[]

export type PathStates = { readonly isMatch: boolean; readonly states: readonly PathState[] }

/** Where paths stand one step further down, in the member or element `key`. */
export function descend(states: readonly PathState[], key: string | number): PathStates {
  let isMatch = false
  const next: PathState[] = []
  for (const state of states) {
    const [step] = state
    if (step === undefined) continue
    if (step.isDeep) next.push(state)
    if (step.name !== undefined && step.name !== key) continue
    if (state.length === 1) isMatch = true
    else next.push(state.slice(1))
  }
  return { isMatch, states: next }
}
