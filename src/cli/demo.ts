import { setMaxListeners } from 'node:events'
import { styleText } from 'node:util'
import { systemWorld } from '../compose.ts'
import { createDemoClient, loadSdks } from './demo-client.ts'
import type { DemoSdks, SendDemoCall } from './demo-client.ts'
import { DEMO_CANDIDATES } from './demo-candidates.ts'
import { createDemoLedger, differences } from './demo-ledger.ts'
import { demoCalls } from './demo-plan.ts'
import type { DemoCall } from './demo-plan.ts'
import { readFindings } from './demo-reads.ts'
import { callLines, modelLines, outcomeLines, teamLines } from './demo-report.ts'
import { demoRollouts, wrapped } from './demo-rollouts.ts'
import { openDemoStage } from './demo-stage.ts'
import type { DemoStage } from './demo-stage.ts'
import type { Terminal } from './terminal.ts'

export type DemoOptions = {
  /** What is played. */
  readonly act: 'all' | 'calls' | 'rollouts'
  readonly requests: number
  readonly seed: number
  readonly keep: boolean
}

const CONCURRENCY = 8
const STORE_READY_MS = 90_000
/** A row takes about a second to be stored. */
const STORED_MS = 20_000
const MOST_DIFFERENCES = 10

/**
 * Simulated providers, a whole proxy, and an application with the official SDKs, in two acts. Exit code 1 when something
 * was not as it should be.
 */
export async function demo(terminal: Terminal, options: DemoOptions): Promise<number> {
  const sdks = await loadSdks()
  const stop = stopSignal(terminal.process)
  const { act } = options
  const calls = act === 'rollouts' ? 0 : await callsAct(terminal, sdks, options, stop)
  if (act === 'calls' || calls !== 0) return calls
  if (act === 'all') terminal.print('')
  return rolloutsAct(terminal, sdks, options, stop)
}

/**
 * Prints what ClickHouse saw of the application's calls, and whether that is what the application sent; the directory stays
 * when it is not.
 */
async function callsAct(terminal: Terminal, sdks: DemoSdks, options: DemoOptions, stop: AbortSignal): Promise<number> {
  const stage = await openDemoStage(options.seed, terminal.version)
  let exitCode = 1
  try {
    exitCode = await perform(terminal, sdks, stage, options, stop)
    return exitCode
  } finally {
    await stage.close()
    const stays = options.keep || (exitCode !== 0 && !stop.aborted)
    if (stays) terminal.print(`Config, log and data stay in ${stage.dir}`)
    else await stage.discard()
  }
}

async function perform(
  { print, complain, process }: Terminal,
  sdks: DemoSdks,
  stage: DemoStage,
  { requests, seed }: DemoOptions,
  stop: AbortSignal,
): Promise<number> {
  const mark = (style: 'bold' | 'green' | 'red', words: string): string =>
    styleText(style, words, { stream: process.stdout }) // plain where it is not a terminal
  const startedAt = systemWorld.monotonic()
  const elapsed = (): string => `${((systemWorld.monotonic() - startedAt) / 1000).toFixed(1)} s`
  print(`Simulated OpenAI and Anthropic  ${stage.simulatorUrl}`)
  print(`Understudy in front of them     ${stage.proxyUrl}`)
  print('ClickHouse                      starting; calls are served and spooled meanwhile')
  print('')

  const ledger = createDemoLedger()
  const send = createDemoClient(sdks, stage.proxyUrl, ledger)
  const ready = stage
    .storeReady(AbortSignal.any([stop, AbortSignal.timeout(STORE_READY_MS)]))
    .then(() => `ClickHouse was ready after ${elapsed()}`)
  ready.catch(() => undefined) // awaited below; the traffic comes first
  const ended = await sendAll(demoCalls(seed, requests), send, stop)
  const sent = ledger.requests()
  const retries = sent.filter(({ retry }) => retry > 0).length
  print(`${requests} calls with openai and @anthropic-ai/sdk, ${CONCURRENCY} at a time, took ${elapsed()}:`)
  print(
    `${ended.answered} answered, ${ended.failed} failed, ${ended.left} left by their client; the SDKs retried ${retries} times.`,
  )
  print(`${await ready}.`)

  const access = stage.app.storeAccess()
  if (access === undefined) throw new Error('ClickHouse went away')
  const findings = await readFindings(access, sent.length, AbortSignal.any([stop, AbortSignal.timeout(STORED_MS)]))
  const sections = [
    modelLines(findings.models),
    teamLines(findings.teams),
    outcomeLines(findings.outcomes),
    ...(findings.example === undefined ? [] : [callLines(findings.example)]),
  ]
  for (const [title, ...lines] of sections) print(['', mark('bold', title ?? ''), ...lines].join('\n'))

  const { due, stored } = findings.upstreamCalls
  const found = [
    ...differences(sent, findings.recorded),
    ...(due === stored ? [] : [`the traces count ${due} upstream calls, ${stored} are recorded`]),
  ]
  const vouched = sent.filter(({ usage }) => usage !== undefined).length
  print('')
  const verdict = `sent ${sent.length}, recorded ${findings.recorded.length}`
  print(mark(found.length === 0 ? 'green' : 'red', verdict))
  if (found.length === 0) {
    print('Each is there once, with the status that its client saw. Tokens are as the SDKs')
    print(`reported them for ${vouched} answers, and known of ${findings.usageAsked} streams where no client asked.`)
    return 0
  }
  for (const line of found.slice(0, MOST_DIFFERENCES)) complain(`  ${line}`)
  if (found.length > MOST_DIFFERENCES) complain(`  and ${found.length - MOST_DIFFERENCES} more`)
  complain(`understudy: what was recorded is not what was sent (${found.length} differences).`)
  return 1
}

/** Four candidates try to take over; each has to get what it deserves. */
async function rolloutsAct(
  { print, complain, process, version }: Terminal,
  sdks: DemoSdks,
  { seed, keep }: DemoOptions,
  stop: AbortSignal,
): Promise<number> {
  print(styleText('bold', 'Four candidates for the part of the lead', { stream: process.stdout }))
  const outcomes = await demoRollouts(sdks, { seed, keep, version, print, stop })
  print('')
  let wrong = 0
  for (const { candidate, phase, phaseText, highestPercent, exposed, reason } of outcomes) {
    const isRight = candidate.isRight(phase, highestPercent)
    if (!isRight) wrong += 1
    const verdict = `${candidate.model.padEnd(9)} ${phaseText}, ${exposed} requests put to it`
    print(styleText(isRight ? 'green' : 'red', verdict, { stream: process.stdout }))
    for (const line of wrapped(reason, 68)) print(`          ${line}`)
  }
  if (wrong > 0) complain(`understudy: ${wrong} of the candidates did not get what they deserve.`)
  return wrong > 0 || outcomes.length < DEMO_CANDIDATES.length ? 1 : 0
}

type Ended = { answered: number; failed: number; left: number }

/** Sends the calls in order, several at a time. Rejects when a call without trouble fails, or `stop` aborts. */
async function sendAll(calls: readonly DemoCall[], send: SendDemoCall, stop: AbortSignal): Promise<Ended> {
  const ended: Ended = { answered: 0, failed: 0, left: 0 }
  const waiting = calls.values()
  const work = async (): Promise<void> => {
    for (const call of waiting) ended[await send(call, stop)] += 1
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  return ended
}

/** Aborts on Ctrl-C, so that nothing stays behind. */
function stopSignal(process: NodeJS.Process): AbortSignal {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal) // every call under way listens
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => controller.abort(new Error('stopped')))
  }
  return controller.signal
}
