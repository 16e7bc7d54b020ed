import { setMaxListeners } from 'node:events'
import { styleText } from 'node:util'
import { systemWorld } from '../compose.ts'
import { createDemoClient, loadSdks } from './demo-client.ts'
import type { DemoSdks, SendDemoCall } from './demo-client.ts'
import { createDemoLedger, differences } from './demo-ledger.ts'
import { demoCalls } from './demo-plan.ts'
import type { DemoCall } from './demo-plan.ts'
import { readFindings } from './demo-reads.ts'
import { callLines, modelLines, outcomeLines, teamLines } from './demo-report.ts'
import { openDemoStage } from './demo-stage.ts'
import type { DemoStage } from './demo-stage.ts'
import type { Terminal } from './terminal.ts'

export type DemoOptions = { readonly requests: number; readonly seed: number; readonly keep: boolean }

const CONCURRENCY = 8
const STORE_READY_MS = 90_000
/** A row takes about a second to be stored. */
const STORED_MS = 20_000
const MOST_DIFFERENCES = 10

/**
 * Simulated providers, a whole proxy, and an application with the official SDKs: prints what ClickHouse saw of it, and
 * whether that is what the application sent. Exit code 1 when it is not; the directory stays then.
 */
export async function demo(terminal: Terminal, options: DemoOptions): Promise<number> {
  const sdks = await loadSdks()
  const stop = stopSignal(terminal.process)
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
