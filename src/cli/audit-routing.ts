import { systemWorld } from '../compose.ts'
import type { Config } from '../domain/policy.ts'
import type { Shadow } from '../domain/shadow/shadow.ts'
import { lookAt, untilEnough, whenJudged, whenQuiet } from './audit-looks.ts'
import { grownSince } from './funnel-counts.ts'
import { findingsText, type FindingsFormat, type RouteFindings } from './routing-findings.ts'
import { requireRunning } from './run-file.ts'
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
    const names = shadows.map((shadow) => shadow.name)
    const before = await lookAt(running, names)
    say(`${beginText(shadows, options)} Ctrl-C ends it and shows what is known by then.`)
    const asleep = before.filter(({ isOn }) => !isOn).map((look) => look.name)
    // It is on before it says so: what comes in between is looked at, and what came before is traffic that is not spoken for.
    const since = Math.floor(systemWorld.now())
    await whileOn({ ...terminal, print: say }, config, asleep, options, () =>
      untilEnough(running, before, options, stop.signal),
    )
    // What comes later is no longer looked at.
    const asOf = Math.floor(systemWorld.now())
    const ended = await whenQuiet(running, names, asleep, stop.signal)
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
