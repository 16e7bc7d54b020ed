import { parseJson } from '../dialects/json-value.ts'
import { type AdminRequest, errorReply, type JsonReply } from './reply.ts'
import { decodeUtf8 } from './utf8.ts'

/** The body as JSON, undefined for what is none; or the reply to a body of another type. */
export function jsonBody({
  contentType,
  body,
}: Pick<AdminRequest, 'contentType' | 'body'>): { readonly value: unknown } | { readonly refused: JsonReply } {
  if (contentType.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
    return { refused: errorReply(415, 'unsupported_type', 'Expected content-type application/json.') }
  }
  return { value: parseJson(decodeUtf8(body) ?? '') }
}
