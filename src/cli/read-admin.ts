import type { Config } from '../domain/policy.ts'
import type { RunQuery } from '../store/query/run-query.ts'
import type { Reads } from '../store/read.ts'
import { withQuietStore } from './quiet-store.ts'
import { findRunning, type Running } from './run-file.ts'

const REQUEST_TIMEOUT_MS = 20_000

/** One question to the trace store: asked at the admin API of the running proxy, or of the store itself when none runs. */
export type Question = {
  /** Path and query of the admin API. */
  readonly path: string
  /** SQL to be sent as the body; undefined = a GET. */
  readonly sql?: string
  /** The same answer, in the admin API's JSON shape, straight from the store. */
  readonly fromStore: (reads: Reads, signal: AbortSignal, query: RunQuery) => Promise<unknown>
}

/** Resolves to the JSON of the admin API's answer. Throws with a sentence for the terminal when there is none. */
export async function ask(config: Config, question: Question): Promise<unknown> {
  const running = await findRunning(config.boot)
  if (running === undefined) return askStore(config, question)
  const asSql = { method: 'POST', body: question.sql ?? '', headers: { 'content-type': 'application/sql' } }
  return askAdmin(running, question.path, question.sql === undefined ? {} : asSql)
}

/** Resolves to the JSON that a running proxy answers. Throws with a sentence for the terminal when it answers an error. */
export async function askAdmin(
  running: Running,
  path: string,
  asked: { readonly method?: string; readonly body?: string; readonly headers?: Readonly<Record<string, string>> },
): Promise<unknown> {
  const authorization = running.token === undefined ? {} : { authorization: `Bearer ${running.token}` }
  const answer = await fetch(running.adminUrl + path, {
    ...asked,
    headers: { ...asked.headers, ...authorization },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  })
  const body: unknown = await answer.json()
  if (!answer.ok) throw new Error(messageOf(body) ?? `the proxy at ${running.adminUrl} answered ${answer.status}`)
  return body
}

function askStore(config: Config, question: Question): Promise<unknown> {
  return withQuietStore(config, ({ reads, query }) =>
    question.fromStore(reads, AbortSignal.timeout(REQUEST_TIMEOUT_MS), query),
  )
}

function messageOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined
  const { error } = body
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : undefined
}
