import { explanationJson } from './explanation-json.ts'
import type { AdminPorts, DescribedRequest, ExplainAnswer } from './ports.ts'
import { errorReply } from './reply.ts'
import type { Handler, Reply } from './reply.ts'
import { decodeUtf8 } from './utf8.ts'

const USUAL_PATH = '/v1/chat/completions'

/**
 * `POST /admin/route`, the body `{"path", "headers", "body"}`: a request as a client would send it, `path`
 * `/v1/chat/completions` and `headers` none unless given. 200 with facts, decision, targets, rules and routes, and for
 * each of them why not; nothing is called. 400 for what no route could ever see.
 */
export function explainOneRoute(ports: AdminPorts): Handler {
  return async ({ contentType, body }) => {
    if (contentType.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
      return errorReply(415, 'unsupported_type', 'Expected content-type application/json.')
    }
    const described = describedRequest(decodeUtf8(body) ?? '')
    if (typeof described === 'string') return errorReply(400, 'bad_request', described)
    return explainReply(await ports.explain(described))
  }
}

function explainReply(answer: ExplainAnswer): Reply {
  if (!('error' in answer)) return { status: 200, json: explanationJson(answer) }
  return errorReply(
    400,
    'bad_request',
    `No route can see this request (${answer.error}): only calls to a model are routed.`,
  )
}

/** The request that a text describes, or what is wrong with the text. */
function describedRequest(text: string): DescribedRequest | string {
  const expected = 'Expected {"path": "/v1/chat/completions", "headers": {}, "body": {…}}'
  const value = parse(text)
  if (!isRecord(value)) return `${expected}, found no JSON object.`
  const { path = USUAL_PATH, headers = {}, body = {}, ...rest } = value
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) return `${expected}, found another field.`
  if (typeof path !== 'string' || !path.startsWith('/')) return `${expected}, found a path that does not begin with /.`
  if (!isRecord(headers)) return `${expected}, found headers that are no object.`
  const entries: [string, string][] = []
  for (const [name, header] of Object.entries(headers)) {
    if (typeof header !== 'string') return `${expected}, found a header that is no text.`
    entries.push([name.toLowerCase(), header])
  }
  return { path, headers: Object.fromEntries(entries), body: JSON.stringify(body) }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
