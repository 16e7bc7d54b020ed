/** Query parameters in which Google's APIs take a key or a token (cloud.google.com/apis/docs/system-parameters). */
const KEY_PARAMETERS: ReadonlySet<string> = new Set(['key', 'access_token', 'oauth_token'])

/** The key in the query of `target` (path and query); undefined when there is none. */
export function queryKey(target: string): string | undefined {
  const parameter = parametersOf(target).find((text) => isKey(text))
  return parameter === undefined ? undefined : decoded(parameter.slice(parameter.indexOf('=') + 1)) || undefined
}

/** `target` without the keys in its query, every other byte as it was. */
export function withoutQueryKey(target: string): string {
  const parameters = parametersOf(target)
  const kept = parameters.filter((text) => !isKey(text))
  if (kept.length === parameters.length) return target
  const path = target.slice(0, target.indexOf('?'))
  return kept.length === 0 ? path : `${path}?${kept.join('&')}`
}

function parametersOf(target: string): readonly string[] {
  const queryAt = target.indexOf('?')
  return queryAt < 0 ? [] : target.slice(queryAt + 1).split('&')
}

function isKey(parameter: string): boolean {
  const equals = parameter.indexOf('=')
  return equals > 0 && KEY_PARAMETERS.has(decoded(parameter.slice(0, equals)))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
