import { setTimeout as sleep } from 'node:timers/promises'
import type { ProxyProcess } from './proxy-process.ts'

/** A route as `/admin/weights` tells of it. */
export type RouteWeights = {
  readonly route: string
  readonly base: Readonly<Record<string, number>>
  readonly weights: Readonly<Record<string, number>>
  readonly pins: readonly string[]
  readonly live: boolean
  readonly tag: string
  readonly stored?: boolean
  readonly last_change: null | { readonly kind: string; readonly actor: string; readonly reason: string }
}

export type AdminAnswer = {
  readonly status: number
  readonly etag: string | null
  readonly json: RouteWeights & { readonly error?: { readonly code: string; readonly message: string } }
}

const PATIENCE_MS = 30_000

/** Sends a change of weights to the admin port of `proxy`. */
export async function changeWeights(
  proxy: Pick<ProxyProcess, 'adminUrl'>,
  route: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<AdminAnswer> {
  const answer = await fetch(`${proxy.adminUrl}/admin/weights/${route}`, {
    method: body === undefined ? 'DELETE' : 'PUT',
    headers: { connection: 'close', 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: answer.status, etag: answer.headers.get('etag'), json: JSON.parse(await answer.text()) }
}

export async function weightsOf(proxy: ProxyProcess, route: string): Promise<RouteWeights> {
  return JSON.parse((await proxy.admin(`/admin/weights/${route}`)).text)
}

/** Asks until the weights of a route are as `isSo` says; resolves to how long that took, in milliseconds. */
export async function untilWeights(
  proxy: ProxyProcess,
  route: string,
  isSo: (now: RouteWeights) => boolean,
): Promise<number> {
  const startedAt = performance.now()
  for (;;) {
    const now = await weightsOf(proxy, route)
    const tookMs = performance.now() - startedAt
    if (isSo(now)) return tookMs
    if (tookMs > PATIENCE_MS) throw new Error(`still ${JSON.stringify(now)}`)
    await sleep(20)
  }
}

/** What `/admin/weights` says of the feedback of a route. */
type FeedbackSaid = { readonly mode: string; readonly verdict: string; readonly detail: string }

/** Asks until the feedback of some route is as `isSo` says. */
export async function untilFeedback(
  proxy: Pick<ProxyProcess, 'admin'>,
  isSo: (feedback: FeedbackSaid) => boolean,
): Promise<void> {
  const startedAt = performance.now()
  for (;;) {
    const { text } = await proxy.admin('/admin/weights')
    const { routes }: { readonly routes: readonly { readonly feedback: FeedbackSaid | null }[] } = JSON.parse(text)
    if (routes.some(({ feedback }) => feedback !== null && isSo(feedback))) return
    if (performance.now() - startedAt > PATIENCE_MS) throw new Error(`still ${text}`)
    await sleep(20)
  }
}
