import express from 'express'
import type { ErrorRequestHandler, Express, Request, RequestHandler, Response } from 'express'
import helmet from 'helmet'
import { CONFIG_FILE } from '../domain/changes/config-event.ts'
import type { Log } from '../domain/ports.ts'
import { AUTOMATIC } from '../domain/rollout/rollout-event.ts'
import { createAccess, mayPass } from './access.ts'
import type { Access, AdminTokens } from './access.ts'
import { browserFault } from './browser-guard.ts'
import type { AdminPorts } from './ports.ts'
import { errorReply } from './reply.ts'
import type { AdminRequest, Reply } from './reply.ts'
import { adminRoutes } from './routes.ts'
import type { Route } from './routes.ts'

/** Config files are a few kilobytes; the largest price lists some hundred. */
const MAX_BODY_BYTES = 1024 * 1024

export type AdminAppOptions = {
  readonly tokens: AdminTokens
  readonly ports: AdminPorts
  readonly log: Log
  /** Longest time that a handler may take. */
  readonly handlerTimeoutMs: number
}

/** The admin port's Express app: guards, then the routes, then errors as JSON. Unlike the data port it may be generic. */
export function createAdminApp({ tokens, ports, log, handlerTimeoutMs }: AdminAppOptions): Express {
  const accessOf = createAccess(tokens)
  const app = express()
  app.disable('x-powered-by').disable('etag').set('query parser', false).set('case sensitive routing', true)
  // HTTP only, so no promise of HTTPS; the console's own scripts are the only ones a page here may run.
  app.use(
    helmet({
      strictTransportSecurity: false,
      contentSecurityPolicy: { directives: { upgradeInsecureRequests: null, frameAncestors: ["'none'"] } },
    }),
  )
  app.use((_request, response, next) => {
    response.setHeader('cache-control', 'no-store')
    next()
  })
  if (tokens.token === undefined) app.use(guardBrowsers)

  const routes = adminRoutes(ports)
  for (const route of routes) {
    const guard: RequestHandler = (request, response, next) => {
      const refusal = refusalOf(accessOf(request.headers.authorization), route)
      if (refusal === undefined) next()
      else send(response, refusal)
    }
    const handle: RequestHandler = async (request, response) => {
      const abort = new AbortController()
      response.once('close', () => abort.abort())
      const asked = adminRequest(request, accessOf(request.headers.authorization), abort.signal)
      send(response, await withinTime(Promise.resolve(route.handle(asked)), handlerTimeoutMs, abort))
    }
    // A compressed body is refused: nothing a person sends here is large enough to need it.
    const readBody = express.raw({ type: () => true, limit: MAX_BODY_BYTES, inflate: false })
    if (route.method === 'GET') app.get(route.path, guard, handle)
    else if (route.method === 'PUT') app.put(route.path, guard, readBody, handle)
    else if (route.method === 'DELETE') app.delete(route.path, guard, readBody, handle)
    else app.post(route.path, guard, readBody, handle)
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).map(({ method }) => method)
    app.all(path, (_request, response) => {
      const allow = methods.join(', ')
      send(response, errorReply(405, 'method_not_allowed', `This address answers to ${allow} only.`, { allow }))
    })
  }
  app.use((_request, response) => {
    const known = [...new Set(routes.map(({ path }) => path))].join(', ')
    send(response, errorReply(404, 'not_found', `There is nothing at this address. Known: ${known}.`))
  })
  app.use(reportError(log))
  return app
}

const guardBrowsers: RequestHandler = (request, response, next) => {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  const fault = browserFault(request.headers, !isRead)
  if (fault === undefined) next()
  else send(response, errorReply(403, 'forbidden', fault))
}

function refusalOf(access: Access, { need }: Route): Reply | undefined {
  if (mayPass(access, need)) return undefined
  if (access === 'read') {
    return errorReply(403, 'forbidden', 'The read-only token was presented; this needs the full admin token.')
  }
  return errorReply(401, 'unauthorized', 'Send an admin token of the config file as "Authorization: Bearer …".', {
    'www-authenticate': 'Bearer realm="understudy admin"',
  })
}

function adminRequest(request: Request, access: Access, signal: AbortSignal): AdminRequest {
  const body: unknown = request.body
  const queryAt = request.url.indexOf('?')
  const { id } = request.params
  const who = { full: 'admin-token', read: 'read-token', open: 'unauthenticated', none: 'unauthenticated' }[access]
  return {
    query: new URLSearchParams(queryAt === -1 ? '' : request.url.slice(queryAt + 1)),
    id: typeof id === 'string' ? id : '',
    contentType: request.headers['content-type'] ?? '',
    body: body instanceof Uint8Array ? body : new Uint8Array(),
    isFull: access === 'full',
    isTrusted: access !== 'none',
    signal,
    ifMatch: ifMatchOf(request.headers['if-match']),
    actor: actorOf(request.headers['x-understudy-actor']) ?? `${who}@${request.socket.remoteAddress ?? 'unknown'}`,
  }
}

const LONGEST_ACTOR = 100

/**
 * Who the caller says it acts for: it holds the token, so its word is taken, but nobody is taken for what decides by itself:
 * the proxy's user on a host is often called so too, and what a person did counts for more.
 */
function actorOf(header: string | readonly string[] | undefined): string | undefined {
  const text = typeof header === 'string' ? header.trim().slice(0, LONGEST_ACTOR) : ''
  if (text === AUTOMATIC || text === CONFIG_FILE) return `${text} (by hand)`
  return text === '' ? undefined : text
}

/** An entity tag without quotes; `*` is any. */
function ifMatchOf(header: string | undefined): string | undefined {
  const tag = header?.trim().replace(/^(?:W\/)?"(.*)"$/, '$1')
  return tag === '' || tag === '*' ? undefined : tag
}

/** The reply, or a 504 and the signal to stop when the work (a slow query, say) takes longer. */
async function withinTime(reply: Promise<Reply>, timeoutMs: number, abort: AbortController): Promise<Reply> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Reply>((resolve) => {
    timer = setTimeout(() => {
      // The verdict first: work that fails because it was stopped must not be taken for a bug.
      resolve(errorReply(504, 'timeout', `No answer within ${timeoutMs} ms.`))
      abort.abort()
    }, timeoutMs)
  })
  try {
    return await Promise.race([reply, late])
  } finally {
    clearTimeout(timer)
  }
}

function send(response: Response, reply: Reply): void {
  response.status(reply.status)
  if ('text' in reply) {
    response.setHeader('content-type', reply.contentType)
    response.end(reply.text)
  } else {
    response.set(reply.headers ?? {})
    response.setHeader('content-type', 'application/json; charset=utf-8')
    response.end(`${JSON.stringify(reply.json)}\n`)
  }
}

/** The fourth parameter is how Express knows an error handler. */
function reportError(log: Log): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error)
    const reply = bodyErrorReply(error)
    if (reply === undefined) log.error('admin_request_failed', { path: request.path, bug: error })
    // What the client sent of a refused body may still be on its way: the connection cannot be used again.
    else response.setHeader('connection', 'close')
    send(
      response,
      reply ?? errorReply(500, 'internal', 'The proxy failed while handling this request; its log says why.'),
    )
  }
}

/** Errors of Express and its body reader carry a status and, below 500, are the client's; undefined for all others. */
function bodyErrorReply(error: unknown): Reply | undefined {
  if (!(error instanceof Error) || !('status' in error)) return undefined
  switch (error.status) {
    case 413:
      return errorReply(413, 'too_large', `The body is larger than ${MAX_BODY_BYTES} bytes.`)
    case 415:
      return errorReply(415, 'unsupported_type', 'Send the body without content-encoding.')
    case 400:
      return errorReply(400, 'bad_request', 'The request could not be read.')
    default:
      return undefined
  }
}
