import type { Dialect } from '../domain/request.ts'
import {
  badRequest,
  GEMINI_MISSING_KEY,
  GEMINI_WRONG_KEY,
  geminiNoSuchModel,
  geminiNotFound,
  geminiStatusError,
} from './gemini-errors.ts'

/** An error as a provider words it; `param` and `code` exist in OpenAI's shape only, `type` is Gemini's `status`. */
export type ApiError = {
  readonly status: number
  readonly type: string
  readonly message: string
  readonly param: string | null
  readonly code: string | null
}

/** The JSON body of an error in the dialect's shape; OpenAI indents by four, Anthropic not at all. */
export function errorBody(dialect: Exclude<Dialect, 'gemini'>, error: ApiError, requestId: string): string {
  const { type, message, param, code } = error
  return dialect === 'openai'
    ? JSON.stringify({ error: { message, type, param, code } }, undefined, 4) + '\n'
    : JSON.stringify({ type: 'error', error: { type, message }, request_id: requestId })
}

export function missingKey(dialect: Dialect): ApiError {
  if (dialect === 'gemini') return GEMINI_MISSING_KEY
  return dialect === 'openai'
    ? invalid(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from https://platform.openai.com/account/api-keys.",
      )
    : { ...invalid(401, 'x-api-key header is required'), type: 'authentication_error' }
}

export function wrongKey(dialect: Dialect): ApiError {
  if (dialect === 'gemini') return GEMINI_WRONG_KEY
  return dialect === 'openai'
    ? {
        ...invalid(
          401,
          'Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.',
        ),
        code: 'invalid_api_key',
      }
    : { ...invalid(401, 'invalid x-api-key'), type: 'authentication_error' }
}

export function missingVersion(): ApiError {
  return invalid(400, 'anthropic-version: header is required')
}

export function badJson(dialect: Dialect): ApiError {
  if (dialect === 'gemini') return badRequest('Invalid JSON payload received. Unexpected end of string.')
  return dialect === 'openai'
    ? invalid(
        400,
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble figuring out how to fix this, please contact us through our help center at help.openai.com.)",
      )
    : invalid(400, 'The request body is not valid JSON.')
}

export function badEncoding(dialect: Dialect, encoding: string): ApiError {
  if (dialect === 'gemini') return badRequest(`Request payload is not valid ${encoding}.`)
  return invalid(400, `The request body could not be decoded as ${encoding}.`)
}

export function missingField(dialect: Dialect, field: string): ApiError {
  if (dialect === 'gemini') return badRequest(`* ${field}: is not specified\n`)
  if (dialect === 'anthropic') return invalid(400, `${field}: Field required`)
  if (field === 'model') return invalid(400, 'you must provide a model parameter')
  return {
    ...invalid(400, `Missing required parameter: '${field}'.`),
    param: field,
    code: 'missing_required_parameter',
  }
}

export function wrongField(dialect: Dialect, field: string, expected: string): ApiError {
  if (dialect === 'anthropic') return invalid(400, `${field}: Input should be ${expected}`)
  return { ...invalid(400, `Invalid type for '${field}': expected ${expected}.`), param: field, code: 'invalid_type' }
}

/** The prompt does not fit into the model's context window. */
export function promptTooLong(dialect: Dialect): ApiError {
  if (dialect === 'gemini')
    return badRequest('The input token count (1048999) exceeds the maximum number of tokens allowed (1048576).')
  if (dialect === 'anthropic') return invalid(400, 'prompt is too long: 210034 tokens > 200000 maximum')
  return {
    ...invalid(
      400,
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 140021 tokens. Please reduce the length of the messages.",
    ),
    param: 'messages',
    code: 'context_length_exceeded',
  }
}

/** Nothing is at this path of an OpenAI-like provider. */
export function unknownPath(path: string): ApiError {
  return invalid(404, `Unknown request URL: ${path}. Please check the URL for typos.`)
}

export function unsupportedField(field: string, instead: string): ApiError {
  return {
    ...invalid(400, `Unsupported parameter: '${field}' is not supported with this model. Use '${instead}' instead.`),
    param: field,
    code: 'unsupported_parameter',
  }
}

export function unknownModel(dialect: Dialect, model: string): ApiError {
  if (dialect === 'gemini') return geminiNoSuchModel(model)
  return dialect === 'openai'
    ? {
        ...invalid(404, `The model \`${model}\` does not exist or you do not have access to it.`),
        code: 'model_not_found',
      }
    : { ...invalid(404, `model: ${model}`), type: 'not_found_error' }
}

/** The model exists but does something else (an embedding model asked to chat). */
export function wrongModel(dialect: Dialect, model: string): ApiError {
  if (dialect === 'gemini') return geminiNoSuchModel(model)
  return dialect === 'openai'
    ? { ...invalid(404, `This is not a model supported by this endpoint: ${model}`), param: 'model' }
    : { ...invalid(404, `model: ${model}`), type: 'not_found_error' }
}

export function wrongMethod(dialect: Dialect, method: string, path: string): ApiError {
  if (dialect === 'gemini') return geminiNotFound()
  return dialect === 'openai'
    ? invalid(405, `Not allowed to ${method} on ${path} (HINT: Perhaps you meant to make a POST request?)`)
    : invalid(405, 'Method Not Allowed')
}

/** The error that a provider answers with `status` when something is wrong on its own side, or with the quota. */
export function statusError(dialect: Dialect, status: number): ApiError {
  if (dialect === 'gemini') return geminiStatusError(status)
  const [type, message] = (dialect === 'openai' ? OPENAI_TROUBLE : ANTHROPIC_TROUBLE).get(status) ?? [
    status < 500 ? 'invalid_request_error' : dialect === 'openai' ? 'server_error' : 'api_error',
    'Something went wrong.',
  ]
  const code = dialect === 'openai' && status === 429 ? 'rate_limit_exceeded' : null
  return { status, type, message, param: null, code }
}

const OPENAI_TROUBLE: ReadonlyMap<number, readonly [string, string]> = new Map([
  [429, ['requests', 'Rate limit reached for requests. Limit: 10000 / min. Please try again in 1s.']],
  [500, ['server_error', 'The server had an error while processing your request. Sorry about that!']],
  [503, ['service_unavailable', 'That model is currently overloaded with other requests. You can retry your request.']],
])

const ANTHROPIC_TROUBLE: ReadonlyMap<number, readonly [string, string]> = new Map([
  [403, ['permission_error', 'Your API key does not have permission to use the specified resource.']],
  [413, ['request_too_large', 'Request exceeds the maximum allowed number of bytes.']],
  [429, ['rate_limit_error', "This request would exceed your organization's rate limit of 4,000 requests per minute."]],
  [500, ['api_error', 'Internal server error']],
  [504, ['timeout_error', 'Request timed out.']],
  [529, ['overloaded_error', 'Overloaded']],
])

function invalid(status: number, message: string): ApiError {
  return { status, type: 'invalid_request_error', message, param: null, code: null }
}
