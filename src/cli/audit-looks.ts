import { setTimeout as sleep } from 'node:timers/promises'
import { systemWorld } from '../compose.ts'
import type { AuditedPicks } from '../domain/feedback/audited-picks.ts'
import type { Config } from '../domain/policy.ts'
import { type FunnelCounts, funnelIn, grownSince } from './funnel-counts.ts'
import { rowsIn, textIn } from './json-rows.ts'
import { askAdmin } from './read-admin.ts'
import { type PicksScope, readPicks } from './read-picks.ts'
import type { Running } from './run-file.ts'

const POLL_MS = 500
/** How long the models may take over what is under way at the end. */
const ANSWERS_MS = 60_000
/** How long the judge may take over what has been answered. */
const VERDICTS_MS = 60_000
/** What was skipped, by which it is known of how much the rest speaks, is written once a second, and stored within another. */
const COUNTED_MS = 2_000
/** Without a verdict for so long none is waited for: some fail, and some requests had come before it was looked at. */
const QUIET_MS = 5_000

/** Resolves when each has mirrored so many requests since `before`, the time is over, or `signal` aborts. */
export async function untilEnough(
  running: Running,
  before: readonly Look[],
  { requests, forMs }: { readonly requests: number; readonly forMs: number },
  signal: AbortSignal,
): Promise<void> {
  const names = before.map(({ name }) => name)
  const until = systemWorld.now() + forMs
  const isEnough = (now: readonly Look[]): boolean =>
    now.every(({ counts }, index) => grownSince(before[index]?.counts, counts).mirrored >= requests)
  while (systemWorld.now() < until && !signal.aborted) {
    if (isEnough(await lookAt(running, names))) return
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined)
  }
}

/** As soon as those that are off again have no call under way: what it comes to is not counted before. */
export async function whenQuiet(
  running: Running,
  names: readonly string[],
  asleep: readonly string[],
  signal: AbortSignal,
): Promise<readonly Look[]> {
  const until = systemWorld.now() + ANSWERS_MS
  for (;;) {
    const now = await lookAt(running, names)
    const isQuiet = now.every(({ name, underWay }) => underWay === 0 || !asleep.includes(name))
    if (isQuiet || systemWorld.now() > until || signal.aborted) return now
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined)
  }
}

/** How one shadow stands. */
export type Look = {
  readonly name: string
  readonly isOn: boolean
  /** Calls that run or wait. */
  readonly underWay: number
  readonly counts: FunnelCounts
}

/** In the order of `names`. Throws with a sentence for the terminal where the proxy does not have one of them. */
export async function lookAt(running: Running, names: readonly string[]): Promise<readonly Look[]> {
  const rows = rowsIn(await askAdmin(running, '/admin/shadows', {}), 'shadows')
  return names.map((name) => {
    const row = rows.find((each) => each['name'] === name)
    if (row === undefined) throw new Error(`the running proxy has no ${name}: its config is another, or older`)
    const underWay = Number(textIn(row, 'running')) + Number(textIn(row, 'queued'))
    return { name, isOn: row['on'] === true, underWay, counts: funnelIn(row) }
  })
}

/** As soon as every answer has its verdict and every skip is counted, or no more of them come. */
export async function whenJudged(
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
