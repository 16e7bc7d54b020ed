/** The environment, as a value. */
export type Environment = Readonly<Record<string, string | undefined>>

export type Interpolated = {
  readonly text: string
  /** Names of the variables whose values are in `text`: it must not be shown then. */
  readonly variables: readonly string[]
  /** Full sentences, `expected …, found …`; `text` is of no use where there is one. */
  readonly faults: readonly string[]
}

/** `$${` for a literal `${`, or `${NAME}`, or `${NAME:-default}`, or a `${` that is none of them. */
const EXPRESSION = /\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$\{/g

/**
 * Replaces `${NAME}` by its value in `environment` and `${NAME:-default}` by its value or else the default.
 * As in a shell's `:-`, an empty value is as good as none. Values are not interpolated again.
 */
export function interpolate(text: string, environment: Environment): Interpolated {
  const variables: string[] = []
  const faults: string[] = []
  const result = text.replaceAll(EXPRESSION, (expression: string, name?: string, fallback?: string) => {
    if (expression === '$${') return '${'
    if (name === undefined) {
      faults.push(
        'expected ${NAME} or ${NAME:-default}, found a "${" that is neither. Write $${ for the two characters themselves',
      )
      return ''
    }
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined
    if (value !== undefined && value !== '') {
      variables.push(name)
      return value
    }
    if (fallback !== undefined) return fallback
    const found = value === undefined ? 'it is not set' : 'it is empty'
    faults.push(
      `expected the environment variable ${name}, found that ${found}. Set it, or give a default: \${${name}:-…}`,
    )
    return ''
  })
  return { text: result, variables, faults }
}

/** Whether `interpolate` would do anything to `text`. */
export function hasExpression(text: string): boolean {
  return text.includes('${')
}
