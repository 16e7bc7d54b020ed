import type { Provider } from '../domain/policy.ts'
import type { PathFacts, Recognised } from '../domain/request.ts'
import { followPath } from './follow-path.ts'
import { withoutQueryKey } from './query-key.ts'
import { operationPath } from './recognise.ts'

/** Path and query of a call, and what its path says itself. */
export type CallPath = { readonly path: string; readonly inPath: PathFacts | undefined }

/**
 * Where a call that came in for one provider goes at another of the same dialect, `model` asked for. A key in the query is
 * for the first one and stays behind.
 */
export function pathAt(
  provider: Provider,
  { provider: mount, api, upstreamPath, inPath }: Pick<Recognised, 'provider' | 'api' | 'upstreamPath' | 'inPath'>,
  model: string | undefined,
): CallPath {
  if (provider.name === mount) return { path: upstreamPath, inPath }
  const target = withoutQueryKey(upstreamPath)
  const own = provider.dialect === 'gemini' ? undefined : operationPath(api)
  // Gemini's paths are the same everywhere.
  if (own === undefined) return { path: target, inPath }
  const queryAt = target.indexOf('?')
  const query = queryAt < 0 ? '' : target.slice(queryAt)
  const { paths } = provider
  if (paths === undefined) return { path: own + query, inPath: undefined }
  const followed = followPath(own, paths)
  if (followed !== undefined) return { path: followed.upstream + query, inPath: undefined }
  const operation = own.slice(own.indexOf('/', 1))
  const [first] = paths
  if (first?.namesModel === true && model !== undefined) {
    const path = `${first.upstream}/${encodeURIComponent(model)}${operation}${query}`
    return { path, inPath: { model, isStream: undefined } }
  }
  return { path: `${first?.upstream ?? ''}${operation}${query}`, inPath: undefined }
}
