import type { z } from 'zod'
import type { ApiPath } from '../domain/provider-traits.ts'
import { leaf, quote } from './leaf.ts'

/** A prefix of whole segments, without a slash at its end but for `/` itself; `*` may be the last one. */
const PREFIX = /^\/$|^(?:\/[\w.~-]+)+(?:\/\*)?$/

export const API_PATH_EXPECTED = 'a path prefix such as /v1, /api/v3 or /deployments/*, or / for the root'

/** Whether `text` is a prefix of paths as `paths` writes them. */
export function isApiPath(text: string): boolean {
  return PREFIX.test(text) && !text.split('/').some((segment) => segment === '.' || segment === '..')
}

/** What stands upstream for a prefix that clients write. */
export function apiPath(): z.ZodType<string> {
  return leaf(
    (value) => (typeof value === 'string' && isApiPath(value) ? { value } : { expected: API_PATH_EXPECTED }),
    { show: (text) => (/^\/?[\w/*.~-]{0,24}$/.test(text) ? quote(text) : undefined), json: { type: 'string' } },
  )
}

/** The prefixes of a file in the order in which they are tried: the longest first. */
export function resolvePaths(paths: Readonly<Record<string, string>> | undefined): readonly ApiPath[] | undefined {
  if (paths === undefined) return undefined
  return Object.entries(paths)
    .map(([client, upstream]) => ({
      client: withoutStar(client),
      upstream: withoutStar(upstream),
      namesModel: client.endsWith('/*'),
    }))
    .toSorted((a, b) => b.client.length - a.client.length)
}

function withoutStar(prefix: string): string {
  return prefix.replace(/\/\*?$/, '')
}
