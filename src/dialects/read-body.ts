import type { Api, BodyShape } from '../domain/request.ts'
import { hasSchema } from './has-schema.ts'
import { isLiteral, memberOf, readString, scanObject } from './json-scan.ts'
import type { ScannedObject } from './json-scan.ts'

/** What the proxy takes from a request body; the body itself stays bytes. */
export type BodyReading = {
  readonly model: string | undefined
  readonly isStream: boolean
  readonly shape: BodyShape
}

const UNREAD: BodyShape = {
  endUser: undefined,
  conversation: undefined,
  hasTools: false,
  hasSchema: false,
  injectsUsage: false,
  unreadable: undefined,
}

/** The reading of a body that could not be (or was not) read. Such a body still goes upstream as it is. */
export function unread(why: BodyShape['unreadable']): BodyReading {
  return { model: undefined, isStream: false, shape: { ...UNREAD, unreadable: why } }
}

/**
 * Reads model, stream flag and the facts that the record keeps. Total: what is missing or of another type is
 * undefined or false, and whether that is an error is the upstream's to say (decision 4).
 */
export function readBody(api: Api, bytes: Buffer, canAskForUsage: boolean): BodyReading {
  const body = scanObject(bytes)
  if (body === undefined) return unread('not_json')
  const isStream = isTrue(bytes, body, 'stream')
  return {
    model: text(bytes, body, 'model'),
    isStream,
    shape: {
      endUser:
        api === 'messages'
          ? anthropicUser(bytes, body)
          : (text(bytes, body, 'safety_identifier') ?? text(bytes, body, 'user')),
      conversation: conversationOf(bytes, body),
      previousResponseId: api === 'responses' ? text(bytes, body, 'previous_response_id') : undefined,
      hasTools: isFilled(bytes, body, 'tools'),
      hasSchema: hasSchema(bytes, body),
      injectsUsage:
        canAskForUsage &&
        isStream &&
        (api === 'chat_completions' || api === 'completions') &&
        !asksForUsage(bytes, body),
      unreadable: undefined,
    },
  }
}

/**
 * The same body with `stream_options.include_usage` set to true, every other byte as it was (decision 7). The body
 * must be one for which `readBody` said `injectsUsage`.
 */
export function withUsageAsked(bytes: Buffer): Buffer {
  const body = scanObject(bytes)
  if (body === undefined) return bytes
  const options = memberOf(body, 'stream_options')
  if (options === undefined) return spliced(bytes, body.close, body.close, ',"stream_options":{"include_usage":true}')
  const inner = scanObject(bytes, options.value.start)
  if (inner === undefined) return spliced(bytes, options.value.start, options.value.end, '{"include_usage":true}')
  const asked = memberOf(inner, 'include_usage')
  if (asked !== undefined) return spliced(bytes, asked.value.start, asked.value.end, 'true')
  return spliced(
    bytes,
    inner.close,
    inner.close,
    inner.members.length > 0 ? ',"include_usage":true' : '"include_usage":true',
  )
}

/** `bytes` with [from, to) replaced by `text`. */
export function spliced(bytes: Buffer, from: number, to: number, replacement: string): Buffer {
  return Buffer.concat([bytes.subarray(0, from), Buffer.from(replacement), bytes.subarray(to)])
}

function asksForUsage(bytes: Buffer, body: ScannedObject): boolean {
  const options = memberOf(body, 'stream_options')
  const inner = options === undefined ? undefined : scanObject(bytes, options.value.start)
  return inner !== undefined && isTrue(bytes, inner, 'include_usage')
}

/** Longest name that is one: of a model, a user, a conversation. A longer one is not kept, so that no record is larger than its request. */
const MAX_TEXT_BYTES = 4096

function text(bytes: Buffer, object: ScannedObject, key: string): string | undefined {
  const value = memberOf(object, key)?.value
  return value === undefined || value.end - value.start > MAX_TEXT_BYTES ? undefined : readString(bytes, value)
}

function isTrue(bytes: Buffer, object: ScannedObject, key: string): boolean {
  const member = memberOf(object, key)
  return member !== undefined && isLiteral(bytes, member.value, 'true')
}

function isFilled(bytes: Buffer, object: ScannedObject, key: string): boolean {
  const member = memberOf(object, key)
  return member !== undefined && !isLiteral(bytes, member.value, 'null') && !isLiteral(bytes, member.value, '[]')
}

function anthropicUser(bytes: Buffer, body: ScannedObject): string | undefined {
  const metadata = memberOf(body, 'metadata')
  const inner = metadata === undefined ? undefined : scanObject(bytes, metadata.value.start)
  return inner === undefined ? undefined : text(bytes, inner, 'user_id')
}

/** `conversation` is a string or an object with an `id`; then the previous response, then the cache key (decision 11). */
function conversationOf(bytes: Buffer, body: ScannedObject): string | undefined {
  const member = memberOf(body, 'conversation')
  const inner = member === undefined ? undefined : scanObject(bytes, member.value.start)
  const named = inner === undefined ? text(bytes, body, 'conversation') : text(bytes, inner, 'id')
  return named ?? text(bytes, body, 'previous_response_id') ?? text(bytes, body, 'prompt_cache_key')
}
