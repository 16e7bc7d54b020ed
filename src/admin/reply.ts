import type { Json } from './ports.ts'

/** What a handler answers. */
export type Reply = JsonReply | { readonly status: number; readonly text: string; readonly contentType: string }

export type JsonReply = {
  readonly status: number
  readonly json: Json
  readonly headers?: Readonly<Record<string, string>>
}

/** A request as handlers see it: parsed as far as every one of them needs. */
export type AdminRequest = {
  readonly query: URLSearchParams
  /** The `:id` of the path; '' on paths without one. */
  readonly id: string
  readonly contentType: string
  /** Only on writes, else empty. */
  readonly body: Uint8Array
  /** May see secrets: the full token was presented. */
  readonly isFull: boolean
  /** May see what is not for everyone: a token was presented, or there are none and only this machine can ask. */
  readonly isTrusted: boolean
  /** Aborts when the client is gone or was told that it takes too long. */
  readonly signal: AbortSignal
  /** What `if-match` names, without its quotes; undefined without one. */
  readonly ifMatch: string | undefined
  /** Who asks, for the record: what `x-understudy-actor` says, else `admin-token@10.0.0.7`, or `unauthenticated@127.0.0.1` where there is none. */
  readonly actor: string
}

export type Handler = (request: AdminRequest) => Reply | Promise<Reply>

/**
 * Every error of the admin port: `{"error": {"code", "message"}}`. Codes: `bad_request`, `unauthorized`,
 * `forbidden`, `not_found`, `method_not_allowed`, `too_large`, `unsupported_type`, `invalid_policy`,
 * `invalid_query`, `invalid_weights`, `refused`, `conflict`, `busy`, `unwritable`, `store_unavailable`, `timeout`, `internal`.
 */
export function errorReply(status: number, code: string, message: string, headers?: Record<string, string>): JsonReply {
  return { status, json: { error: { code, message } }, ...(headers === undefined ? {} : { headers }) }
}
