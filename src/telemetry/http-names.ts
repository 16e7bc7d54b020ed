import type { LlmRequest } from '../domain/request.ts'
import { clip } from './clip.ts'

/** Methods that the HTTP conventions know; any other is a client's invention and no name for a span. */
const METHODS: ReadonlySet<string> = new Set('CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE'.split(' '))

/** A method as a span's name and as its attribute have it. */
export function methodOf(method: string): { readonly name: string; readonly attribute: string } {
  return METHODS.has(method) ? { name: method, attribute: method } : { name: 'HTTP', attribute: '_OTHER' }
}

/** The path of an operation that is recognised, without its model; undefined for all others: there is no end of those. */
export function routeOf({ api, path }: LlmRequest): string | undefined {
  return api === 'passthrough' ? undefined : clip(path.replace(/\/models\/[^/:]+/, '/models/{model}'))
}
