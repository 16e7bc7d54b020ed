import type { Reply } from './hostile-client.ts'
import type { AdminCall } from './admin-arbitrary.ts'

/** Answers in one reply, in order: status, headers as text, body. */
type Answer = { readonly status: number; readonly head: string; readonly body: string }

/** Fields of `/healthz` and `/readyz` for somebody without a token. */
const FOR_STRANGERS = ['status', 'because', 'proof']
/** What a program says of itself when it fails: frames of a stack, paths of modules, names of errors. */
const INNARDS =
  /(?:\n|\\n)\s+at |node_modules|node:internal|\.ts:\d+|TypeError|ReferenceError|RangeError|\[object Object\]|ENOENT/

/**
 * What is wrong with the answers to one call, whatever route it was for: a bug told as 500 or a stack, something secret,
 * a line that the client has put into the head, an error that is not JSON, a success for somebody without rights.
 */
export function adminFaults({ method, presented }: AdminCall, reply: Reply, secrets: readonly string[]): string[] {
  const text = reply.bytes.toString('latin1')
  const faults: string[] = []
  if (reply.end === 'reset' && reply.bytes.length === 0 && method !== 'CONNECT') faults.push('reset without an answer')
  for (const secret of secrets) if (text.includes(secret)) faults.push(`tells a secret: ${secret}`)
  for (const answer of answersIn(text)) faults.push(...answerFaults(answer, method === 'HEAD', presented))
  return faults
}

function answerFaults({ status, head, body }: Answer, isHead: boolean, presented: AdminCall['presented']): string[] {
  const faults: string[] = []
  if (status >= 500 && status !== 503) faults.push(`status ${status}`)
  if (/^x-evil:/im.test(head)) faults.push('a header that the client has made')
  if (/^access-control-allow-/im.test(head)) faults.push('open to pages of other sites')
  if (/^(x-powered-by|server):/im.test(head)) faults.push('tells what it is made of')
  if (INNARDS.test(body)) faults.push(`tells its innards: ${body.slice(0, 200)}`)
  if (!/^content-type: (application\/json|text\/plain)/im.test(head)) faults.push(`neither JSON nor text: ${status}`)
  if (isHead) return faults
  const json = parsed(body)
  const isProbe = json !== undefined && Object.keys(json).every((name) => FOR_STRANGERS.includes(name))
  if (status >= 400 && !(status === 503 && isProbe) && !isError(json)) faults.push(`not an error: ${status} ${body}`)
  if (status < 400 && (presented === 'none' || presented === 'odd') && !isProbe) faults.push('answers a stranger')
  return faults
}

/** `{"error": {"code", "message"}}`, whatever stands beside it. */
function isError(json: Readonly<Record<string, unknown>> | undefined): boolean {
  const error = json?.['error']
  if (typeof error !== 'object' || error === null || !('code' in error) || !('message' in error)) return false
  return typeof error.code === 'string' && /^[a-z_]+$/.test(error.code) && typeof error.message === 'string'
}

function parsed(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** The admin port ends every answer with a length or with the connection. */
function answersIn(text: string): Answer[] {
  const answers: Answer[] = []
  let rest = text
  while (rest.startsWith('HTTP/1.1 ')) {
    const headEnd = rest.indexOf('\r\n\r\n')
    if (headEnd < 0) break
    const head = rest.slice(0, headEnd)
    const status = Number(head.slice(9, 12))
    const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? (status < 200 ? 0 : rest.length))
    if (status >= 200) answers.push({ status, head, body: rest.slice(headEnd + 4, headEnd + 4 + length) })
    rest = rest.slice(headEnd + 4 + length)
  }
  return answers
}
