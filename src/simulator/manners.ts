import type { UsageManner } from './ask.ts'
import type { JsonObject } from './json.ts'
import type { ApiError } from './provider-errors.ts'

/** How a simulated provider differs from OpenAI, as those differ that speak like it. */
export type Manners = {
  /** Where its API is instead of at `/v1`: `/openai/v1`, '' for no prefix at all, `/deployments/*` for any one segment. */
  readonly root: string
  /** The only header that it takes a key in; `none` = it asks for no key. */
  readonly keyHeader: 'authorization' | 'api-key' | 'x-api-key' | 'none'
  readonly usage: UsageManner
  /** Fields of a body that it answers with 422. */
  readonly refuses: readonly string[]
}

/** `path` as OpenAI has it; undefined where a provider of these manners has nothing. */
export function homePath(path: string, { root }: Manners): string | undefined {
  const pattern = root.split('*').map((text) => text.replaceAll(/[.\\^$+?()[\]{}|]/g, '\\$&'))
  const match = new RegExp(`^${pattern.join('[^/]+')}(/.*)$`).exec(path)
  return match?.[1] === undefined ? undefined : `/v1${match[1]}`
}

/** The provider's word on the first field that it does not take. */
export function refusedField(body: JsonObject, { refuses }: Manners): ApiError | undefined {
  const field = refuses.find((name) => Object.hasOwn(body, name))
  if (field === undefined) return undefined
  const message = `Extra inputs are not permitted: ${field}`
  return { status: 422, type: 'invalid_request_error', message, param: field, code: null }
}
