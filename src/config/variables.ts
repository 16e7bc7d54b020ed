import type { Environment } from './interpolate.ts'

/** `${NAME}` or `${NAME:-default}`, as `interpolate` reads them; `$${` is none. */
const REFERENCE = /\$\$\{|\$\{([A-Za-z_]\w*)(?::-[^}]*)?\}/g

/** Names of the variables that `text` refers to and that have a value in `environment`. */
export function variablesWithValue(text: string, environment: Environment): readonly string[] {
  return namesIn(text).filter((name) => Object.hasOwn(environment, name) && (environment[name] ?? '') !== '')
}

/**
 * An environment in which `text` reads as it did where just `variables` had a value: their values from `environment`, or,
 * for those that are not there any more, stand-ins that differ from each other and pass for a key or a number.
 */
export function environmentWith(variables: readonly string[], environment: Environment): Environment {
  return Object.fromEntries(variables.map((name, index) => [name, environment[name] ?? String(index + 1)]))
}

function namesIn(text: string): readonly string[] {
  return [...new Set([...text.matchAll(REFERENCE)].flatMap(([, name]) => (name === undefined ? [] : [name])))]
}
