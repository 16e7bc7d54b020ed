import { setTimeout as sleep } from 'node:timers/promises'
import type { ProxyProcess } from './proxy-process.ts'

/** A rollout as `/admin/rollouts` tells of it. */
export type RolloutSeen = {
  readonly name: string
  readonly phase: string
  readonly phase_text: string
  readonly stage: string | null
  readonly percent: number
  /** Of the file. */
  readonly steps: readonly number[]
  readonly revision: number
  readonly epoch: number
  readonly actor: string | null
  readonly reason: string | null
  readonly unstored: number
}

export type VerbAnswer = {
  readonly status: number
  readonly json: RolloutSeen & {
    readonly stored?: boolean
    readonly error?: { readonly code: string; readonly message: string }
  }
}

type AdminOf = Pick<ProxyProcess, 'adminUrl'>

const PATIENCE_MS = 60_000

/** Asks the admin port of `proxy` for a verb; `verb` as `promote?to=full`. */
export async function askVerb(
  { adminUrl }: AdminOf,
  name: string,
  verb: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<VerbAnswer> {
  const answer = await fetch(`${adminUrl}/admin/rollouts/${name}/${verb}`, {
    method: 'POST',
    headers: { connection: 'close', ...headers },
  })
  return { status: answer.status, json: JSON.parse(await answer.text()) }
}

export async function rolloutOf({ adminUrl }: AdminOf, name: string): Promise<RolloutSeen> {
  const answer = await fetch(`${adminUrl}/admin/rollouts`, { headers: { connection: 'close' } })
  const { rollouts }: { rollouts: readonly RolloutSeen[] } = JSON.parse(await answer.text())
  const found = rollouts.find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no rollout ${name}`)
  return found
}

/** Asks until a rollout is as `isSo` says; resolves to how long that took, in milliseconds. */
export async function untilRollout(
  proxy: AdminOf,
  name: string,
  isSo: (now: RolloutSeen) => boolean,
  patienceMs = PATIENCE_MS,
): Promise<number> {
  const startedAt = performance.now()
  for (;;) {
    const now = await rolloutOf(proxy, name)
    const tookMs = performance.now() - startedAt
    if (isSo(now)) return tookMs
    if (tookMs > patienceMs) throw new Error(`still ${JSON.stringify(now)}`)
    await sleep(20)
  }
}

/** The arm that a new conversation falls to at the data port at `url`. */
export async function armAt(url: string, session: string, content = 'hello'): Promise<string> {
  const answer = await fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { connection: 'close', 'content-type': 'application/json', 'x-understudy-session': session },
    body: JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content }] }),
  })
  await answer.text()
  return answer.headers.get('x-understudy-arm') ?? (answer.ok ? 'none' : `none (${answer.status})`)
}
