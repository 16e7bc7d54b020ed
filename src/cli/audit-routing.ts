import { setTimeout as sleep } from 'node:timers/promises'
import { systemWorld } from '../compose.ts'
import type { AuditedPicks } from '../domain/feedback/audited-picks.ts'
import type { Config } from '../domain/policy.ts'
import type { Shadow } from '../domain/shadow/shadow.ts'
import { type FunnelCounts, funnelIn, grownSince } from './funnel-counts.ts'
import { rowsIn, textIn } from './json-rows.ts'
import { askAdmin } from './read-admin.ts'
import { type PicksScope, readPicks } from './read-picks.ts'
import { findingsText, type FindingsFormat, type RouteFindings } from './routing-findings.ts'
import { requireRunning, type Running } from './run-file.ts'
import { switchShadow } from './switch-shadow.ts'
import type { Terminal } from './terminal.ts'

export type RoutingAuditOptions = {
  /** Of `audits:`, of kind routing. */
  readonly name: string
  /** Of each route; then its audit is over. */
  readonly requests: number
  readonly forMs: number
  readonly actor: string
  readonly format: FindingsFormat
}

const POLL_MS = 500
/** How long the models may take over what is under way at the end. */
const ANSWERS_MS = 60_000
/** How long the judge may take over what has been answered. */
const VERDICTS_MS = 60_000
/** What was skipped, by which it is known of how much the rest speaks, is written once a second, and stored within another. */
const COUNTED_MS = 2_000
/** Without a verdict for so long none is waited for: some fail, and some requests had come before it was looked at. */
const QUIET_MS = 5_000
/** A terminal that is closed sends the last of them. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Audits live requests of the running proxy until each route has so many, or the time is over, and prints how often routing
 * picked the best; of an end before that, what is known by then. What was off before is off again, also where the command
 * is stopped; where that cannot be done it is said how to. Exit code 1 where nothing was audited to the end.
 */
export async function auditRouting(terminal: Terminal, config: Config, options: RoutingAuditOptions): Promise<number> {
  const { name, format } = options
  const shadows = config.policy.shadows.filter((each) => each.name === `audit:${name}:${each.audit?.route}`)
  if (shadows.length === 0) {
    terminal.complain(`understudy: the config has no audit ${name} of kind routing. ${knownText(config)}`)
    return 1
  }
  const running = await requireRunning(config.boot, 'a routing audit looks at live requests')
  // What is going on is not for whoever reads the findings.
  const say = format === 'table' ? terminal.print : terminal.complain
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  for (const signal of SIGNALS) terminal.process.once(signal, onSignal)
  try {
    const before = await lookAt(running, shadows)
    say(`${beginText(shadows, options)} Ctrl-C ends it and shows what is known by then.`)
    const asleep = before.filter(({ isOn }) => !isOn).map((look) => look.name)
    // It is on before it says so: what comes in between is looked at, and what came before is traffic that is not spoken for.
    const since = Math.floor(systemWorld.now())
    await whileOn({ ...terminal, print: say }, config, asleep, options, () =>
      untilEnough(running, shadows, before, options, stop.signal),
    )
    // What comes later is no longer looked at.
    const asOf = Math.floor(systemWorld.now())
    const ended = await whenQuiet(running, shadows, asleep, stop.signal)
    const found: RouteFindings[] = []
    for (const [index, { audit }] of shadows.entries()) {
      const route = audit?.route ?? ''
      const counts = grownSince(before[index]?.counts, ended[index]?.counts)
      const picks = await whenJudged(config, { route, audit: name, since, asOf }, counts.compared, stop.signal)
      found.push({ route, ...counts, picks })
    }
    terminal.print(findingsText(name, found, format))
    return found.some(({ picks }) => picks.requests > 0) ? 0 : 1
  } finally {
    for (const signal of SIGNALS) terminal.process.removeListener(signal, onSignal)
  }
}

function knownText({ policy }: Config): string {
  const known = [
    ...new Set(policy.shadows.flatMap((each) => (each.audit === undefined ? [] : [each.name.split(':')[1]]))),
  ]
  return known.length === 0 ? 'It is added under audits.' : `Known: ${known.join(', ')}. Others are added under audits.`
}

function beginText(shadows: readonly Shadow[], { requests, forMs }: RoutingAuditOptions): string {
  const routes = shadows.map(
    ({ audit, sample }) => `${audit?.route} (${+(100 * sample).toPrecision(3)} % of its requests)`,
  )
  return `Auditing ${routes.join(', ')}, until ${requests} requests of each or for ${Math.round(forMs / 1_000)} s.`
}

/** Does `work` while the shadows `asleep` are on. They are off again whatever becomes of it. */
async function whileOn(
  terminal: Terminal,
  config: Config,
  asleep: readonly string[],
  { name: audit, actor }: RoutingAuditOptions,
  work: () => Promise<void>,
): Promise<void> {
  const how = { reason: `audit routing ${audit}`, actor }
  const woken: string[] = []
  try {
    for (const name of asleep) {
      woken.push(name)
      await switchShadow(terminal, config, name, 'on', how)
    }
    await work()
  } finally {
    for (const name of woken) {
      await switchShadow(terminal, config, name, 'off', how).catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error)
        terminal.complain(
          `understudy: ${name} may still be on, within its budget (${why}). Turn it off: understudy shadow off ${name}`,
        )
      })
    }
  }
}

async function untilEnough(
  running: Running,
  shadows: readonly Shadow[],
  before: readonly Look[],
  { requests, forMs }: RoutingAuditOptions,
  signal: AbortSignal,
): Promise<void> {
  const until = systemWorld.now() + forMs
  const isEnough = (now: readonly Look[]): boolean =>
    now.every(({ counts }, index) => grownSince(before[index]?.counts, counts).mirrored >= requests)
  while (systemWorld.now() < until && !signal.aborted) {
    if (isEnough(await lookAt(running, shadows))) return
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined)
  }
}

/** As soon as those that are off again have no call under way: what it comes to is not counted before. */
async function whenQuiet(
  running: Running,
  shadows: readonly Shadow[],
  asleep: readonly string[],
  signal: AbortSignal,
): Promise<readonly Look[]> {
  const until = systemWorld.now() + ANSWERS_MS
  for (;;) {
    const now = await lookAt(running, shadows)
    const isQuiet = now.every(({ name, underWay }) => underWay === 0 || !asleep.includes(name))
    if (isQuiet || systemWorld.now() > until || signal.aborted) return now
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined)
  }
}

type Look = {
  readonly name: string
  readonly isOn: boolean
  /** Calls that run or wait. */
  readonly underWay: number
  readonly counts: FunnelCounts
}

async function lookAt(running: Running, shadows: readonly Shadow[]): Promise<readonly Look[]> {
  const rows = rowsIn(await askAdmin(running, '/admin/shadows', {}), 'shadows')
  return shadows.map(({ name }) => {
    const row = rows.find((each) => each['name'] === name)
    if (row === undefined) throw new Error(`the running proxy has no ${name}: its config is another, or older`)
    const underWay = Number(textIn(row, 'running')) + Number(textIn(row, 'queued'))
    return { name, isOn: row['on'] === true, underWay, counts: funnelIn(row) }
  })
}

/** As soon as every answer has its verdict and every skip is counted, or no more of them come. */
async function whenJudged(
  config: Config,
  scope: PicksScope,
  answered: number,
  signal: AbortSignal,
): Promise<AuditedPicks> {
  const until = systemWorld.now() + VERDICTS_MS
  let known = ''
  let quietFrom = 0
  for (;;) {
    const picks = await readPicks(config, scope)
    const now = systemWorld.now()
    const seen = `${picks.requests} ${picks.partial} ${picks.backedShare}`
    if (seen !== known) quietFrom = now
    known = seen
    const isWhole = picks.requests >= answered && picks.backedShare > 0
    const patienceMs = isWhole ? COUNTED_MS : answered === 0 ? 0 : QUIET_MS
    if (now >= quietFrom + patienceMs || now > until || signal.aborted) return picks
    await sleep(POLL_MS)
  }
}
