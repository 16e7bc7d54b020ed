import { setTimeout as sleep } from 'node:timers/promises'
import { systemWorld } from '../compose.ts'
import type { AuditedPicks } from '../domain/feedback/audited-picks.ts'
import type { Config } from '../domain/policy.ts'
import type { Shadow } from '../domain/shadow/shadow.ts'
import { recordIn, rowsIn, textIn } from './json-rows.ts'
import { askAdmin } from './read-admin.ts'
import { requireRunning, type Running } from './run-file.ts'
import { picksLines } from './print-picks.ts'
import { type PicksScope, readPicks } from './read-picks.ts'
import { switchShadow } from './switch-shadow.ts'
import type { Terminal } from './terminal.ts'

export type RoutingAuditOptions = {
  /** Of `audits:`, of kind routing. */
  readonly name: string
  /** Of each route; then its audit is over. */
  readonly requests: number
  readonly forMs: number
  readonly actor: string
}

const POLL_MS = 500
/** How long the judge may take over what has been answered. */
const VERDICTS_MS = 60_000
/** Without a verdict for so long none is waited for: some fail, and some requests had come before it was looked at. */
const QUIET_MS = 5_000

/**
 * Audits live requests of the running proxy until each route has so many, or the time is over, and prints how often routing
 * picked the best. What was off before is off again, also where the command is stopped. Exit code 1 where nothing was
 * audited to the end.
 */
export async function auditRouting(terminal: Terminal, config: Config, options: RoutingAuditOptions): Promise<number> {
  const shadows = config.policy.shadows.filter(({ name, audit }) => name === `audit:${options.name}:${audit?.route}`)
  if (shadows.length === 0) {
    terminal.complain(`understudy: the config has no audit ${options.name} of kind routing. It is added under audits.`)
    return 1
  }
  const running = await requireRunning(config.boot, 'a routing audit looks at live requests')
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  terminal.process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  const since = Math.floor(systemWorld.now())
  const before = await lookAt(running, shadows)
  const asleep = before.filter(({ isOn }) => !isOn)
  const how = { reason: `audit routing ${options.name}`, actor: options.actor }
  for (const { name } of asleep) await switchShadow(terminal, config, name, 'on', how)
  const until = systemWorld.now() + options.forMs
  try {
    let now = before
    const isOver = (): boolean =>
      now.every(({ mirrored }, index) => mirrored - (before[index]?.mirrored ?? 0) >= options.requests)
    while (!isOver() && systemWorld.now() < until && !stop.signal.aborted) {
      await sleep(POLL_MS, undefined, { signal: stop.signal }).catch(() => undefined)
      now = await lookAt(running, shadows)
    }
  } finally {
    for (const { name } of asleep) await switchShadow(terminal, config, name, 'off', how)
    terminal.process.removeListener('SIGINT', onSignal).removeListener('SIGTERM', onSignal)
  }
  // What comes later is no longer looked at.
  const asOf = Math.floor(systemWorld.now())
  const ended = await lookAt(running, shadows)
  let audited = 0
  for (const [index, { audit }] of shadows.entries()) {
    const route = audit?.route ?? ''
    const answered = (ended[index]?.compared ?? 0) - (before[index]?.compared ?? 0)
    const picks = await whenJudged(config, { route, audit: options.name, since, asOf }, answered, stop.signal)
    audited += picks.requests
    terminal.print(`${route}: ${answered} requests answered by every model.`)
    for (const line of picksLines(picks)) terminal.print(line)
  }
  return audited === 0 ? 1 : 0
}

type Look = { readonly name: string; readonly isOn: boolean; readonly mirrored: number; readonly compared: number }

async function lookAt(running: Running, shadows: readonly Shadow[]): Promise<readonly Look[]> {
  const rows = rowsIn(await askAdmin(running, '/admin/shadows', {}), 'shadows')
  return shadows.map(({ name }) => {
    const row = rows.find((each) => each['name'] === name)
    if (row === undefined) throw new Error(`the running proxy has no ${name}: its config is another, or older`)
    const funnel = recordIn(row, 'funnel')
    const count = (stage: string): number => Number(textIn(funnel, stage))
    return { name, isOn: row['on'] === true, mirrored: count('mirrored'), compared: count('compared') }
  })
}

/** As soon as every answer has its verdict, or no more of them come. */
async function whenJudged(
  config: Config,
  scope: PicksScope,
  answered: number,
  signal: AbortSignal,
): Promise<AuditedPicks> {
  const until = systemWorld.now() + VERDICTS_MS
  let known = -1
  let quietFrom = 0
  for (;;) {
    const picks = await readPicks(config, scope)
    const now = systemWorld.now()
    if (picks.requests !== known) quietFrom = now
    known = picks.requests
    if (known >= answered || now > until || now > quietFrom + QUIET_MS || signal.aborted) return picks
    await sleep(POLL_MS)
  }
}
