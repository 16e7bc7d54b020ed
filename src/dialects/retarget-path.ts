import type { PathFacts } from '../domain/request.ts'
import { percentDecoded } from './percent-decoded.ts'

/** A segment that names a model, and Gemini's method after it: the colon as it is or percent-encoded. */
const SEGMENT = /^(.*?)((?::|%3a)\w+)?$/i

/**
 * `path` with `model` where the path names the model that was asked for: after `models/` or `tunedModels/` (Gemini), or
 * as a deployment (Azure). A path that names none, and everything else in it, stays as it is.
 */
export function retargetPath(path: string, inPath: PathFacts | undefined, model: string): string {
  if (inPath === undefined || inPath.model === model) return path
  const queryAt = path.indexOf('?')
  const query = queryAt < 0 ? '' : path.slice(queryAt)
  const segments = (queryAt < 0 ? path : path.slice(0, queryAt)).split('/')
  const [askedCollection, asked] = collected(inPath.model)
  // The last one: what stands before it is the provider's own prefix, whatever it is called.
  const at = segments.findLastIndex((segment, i) => {
    const [, name = '', method = ''] = SEGMENT.exec(segment) ?? []
    const isInCollection = askedCollection === undefined || segments[i - 1] === askedCollection
    return isInCollection && (percentDecoded(name) === asked || percentDecoded(name + method) === asked)
  })
  if (at < 0) return path
  const segment = segments[at] ?? ''
  const [, name = '', method = ''] = SEGMENT.exec(segment) ?? []
  const [collection, wanted] = collected(model)
  segments[at] = encodeURIComponent(wanted) + (percentDecoded(name) === asked ? method : '')
  if (segments[at - 1] === 'models' || segments[at - 1] === 'tunedModels') segments[at - 1] = collection ?? 'models'
  return segments.join('/') + query
}

/** `tunedModels/mine` is a model of a collection of its own; all others have none in their name. */
function collected(model: string): readonly [collection: string | undefined, name: string] {
  return model.startsWith('tunedModels/') ? ['tunedModels', model.slice('tunedModels/'.length)] : [undefined, model]
}
