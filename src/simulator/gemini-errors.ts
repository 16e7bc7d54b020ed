/** As Gemini words an error: `type` is its google.rpc.Code in words. */
export type RpcError = {
  readonly status: number
  readonly type: string
  readonly message: string
  /** Of OpenAI's shape, and never there. */
  readonly param: null
  readonly code: null
}

/** The JSON body of an error, google.rpc.Status, as Gemini indents it; `asArray` where a stream of an array was asked for. */
export function geminiErrorBody({ status, type, message }: ErrorWords, asArray: boolean): string {
  const details = status === 429 ? { details: QUOTA_DETAILS } : {}
  const body = JSON.stringify({ error: { code: status, message, status: type, ...details } }, undefined, 2)
  return asArray ? `[${body}\n]\n` : `${body}\n`
}

type ErrorWords = Pick<RpcError, 'status' | 'type' | 'message'>

/** Gemini says when to come again in the body alone. */
const QUOTA_DETAILS = [
  {
    '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
    violations: [{ quotaId: 'GenerateRequestsPerMinutePerProjectPerModel' }],
  },
  { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1s' },
]

export function badRequest(message: string): RpcError {
  return rpcError(400, 'INVALID_ARGUMENT', message)
}

export const GEMINI_MISSING_KEY = rpcError(
  403,
  'PERMISSION_DENIED',
  "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
)

export const GEMINI_WRONG_KEY = badRequest('API key not valid. Please pass a valid API key.')

/** A model that is not there, or does something else: Gemini words both alike. */
export function geminiNoSuchModel(model: string): RpcError {
  return rpcError(
    404,
    'NOT_FOUND',
    `models/${model} is not found for API version v1beta, or is not supported for this method. Call ModelService.ListModels to see the list of available models and their supported methods.`,
  )
}

export function geminiNotFound(): RpcError {
  return rpcError(404, 'NOT_FOUND', 'Requested entity was not found.')
}

/** The error that Gemini answers with `status` when something is wrong on its own side, or with the quota. */
export function geminiStatusError(status: number): RpcError {
  const [type, message] = TROUBLE.get(status) ?? [
    status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL',
    'Something went wrong.',
  ]
  return rpcError(status, type, message)
}

const TROUBLE: ReadonlyMap<number, readonly [string, string]> = new Map([
  [429, ['RESOURCE_EXHAUSTED', 'You exceeded your current quota, please check your plan and billing details.']],
  [
    500,
    [
      'INTERNAL',
      'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
    ],
  ],
  [503, ['UNAVAILABLE', 'The model is overloaded. Please try again later.']],
  [504, ['DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.']],
])

function rpcError(status: number, type: string, message: string): RpcError {
  return { status, type, message, param: null, code: null }
}
