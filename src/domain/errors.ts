/** Every way in which a call can fail or be refused, ours and the upstream's. Documented in ARCHITECTURE.md. */
export type ErrorCode = keyof typeof ERRORS

/**
 * One row per code: the HTTP status the client gets when the proxy itself answers, and the public text.
 * `status` 0 means that the proxy never answers with it: the client sees the upstream's own answer, or is gone.
 */
export const ERRORS = {
  bad_framing: { status: 400, text: 'The request could not be read as HTTP: its framing is broken.' },
  headers_too_large: { status: 431, text: 'The request headers are larger than this proxy accepts.' },
  body_too_large: { status: 413, text: 'The request body is larger than this proxy accepts.' },
  body_timeout: { status: 408, text: 'The request did not arrive in time.' },
  unknown_provider: { status: 404, text: 'No provider of this name is configured.' },
  no_route: { status: 404, text: 'This path belongs to no configured provider.' },
  no_usable_target: {
    status: 503,
    text: 'The route of this request has no target that may be called: its providers need a key of the server (api_key).',
  },
  reserved_path: { status: 404, text: 'There is nothing at this path; /understudy/ is reserved for the proxy itself.' },
  forbidden_origin: {
    status: 403,
    text: 'Web pages and foreign host names may not call a provider for which clients need no key of their own (access.allowed_origins, access.allowed_hosts).',
  },
  overloaded: { status: 503, text: 'Too many requests to this provider are under way; try again shortly.' },
  shutting_down: { status: 503, text: 'The proxy is shutting down; try again shortly.' },
  connect_failed: { status: 502, text: 'The provider could not be reached.' },
  connect_timeout: { status: 504, text: 'The provider did not accept a connection in time.' },
  first_byte_timeout: { status: 504, text: 'The provider did not begin to answer in time.' },
  slow_answer: { status: 504, text: 'The provider took longer for its answer than the route waits.' },
  slow_first_token: { status: 504, text: 'The provider took longer to begin its answer than the route waits.' },
  idle_timeout: { status: 504, text: 'The provider stopped sending in the middle of its answer.' },
  upstream_reset: { status: 502, text: 'The provider closed the connection before it answered.' },
  upstream_protocol: { status: 502, text: 'The provider sent something that is not valid HTTP.' },
  upstream_cut: { status: 502, text: 'The provider cut its answer short.' },
  upstream_error: { status: 0, text: 'The provider answered with an error.' },
  upstream_stream_error: { status: 0, text: 'The provider reported an error inside its stream.' },
  no_terminal_event: { status: 0, text: 'The stream ended without its last event.' },
  client_closed: { status: 0, text: 'The client went away.' },
  internal: { status: 500, text: 'The proxy failed while handling this request.' },
} as const satisfies Record<string, { status: number; text: string }>

/** A broken promise inside the proxy: a code for the table above, a detail for us, never for the client. */
export class UnderstudyError extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.name = 'UnderstudyError'
    this.code = code
  }
}
