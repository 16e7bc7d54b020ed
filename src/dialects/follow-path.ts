import type { ApiPath } from '../domain/provider-traits.ts'
import { percentDecoded } from './percent-decoded.ts'

export type FollowedPath = {
  /** What comes after the prefix: `/chat/completions`. */
  readonly operation: string
  /** The whole path, as the provider has it. */
  readonly upstream: string
  /** Where the path names it. */
  readonly model: string | undefined
}

/** Where a client's path, mount and query taken off, leads at a provider with `paths`; undefined when it is below none. */
export function followPath(path: string, paths: readonly ApiPath[]): FollowedPath | undefined {
  for (const { client, upstream, namesModel } of paths) {
    if (!path.startsWith(client) || (path.length > client.length && path[client.length] !== '/')) continue
    const rest = path.slice(client.length)
    if (!namesModel) return { operation: rest, upstream: upstream + rest, model: undefined }
    const end = rest.indexOf('/', 1)
    if (end > 1) {
      return { operation: rest.slice(end), upstream: upstream + rest, model: percentDecoded(rest.slice(1, end)) }
    }
  }
  return undefined
}
