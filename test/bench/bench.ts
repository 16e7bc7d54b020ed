import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { canPin } from './child.ts'
import { compare } from './compare.ts'
import { HELP, readOptions, type Options } from './options.ts'
import { machineCpuMs, usageOf } from './process-tree.ts'
import { profile } from './profile.ts'
import { compareRates } from './rates.ts'
import type { Outcome } from './report.ts'
import { setStage, type Stage } from './stage.ts'
import { sustain } from './sustain.ts'
import { compareSwitched } from './switched.ts'

const NOISY_SHARE = 0.1

const options = readOptions(process.argv.slice(2))
if (options === 'help') console.log(HELP)
else await run(options)

/** Runs what was asked for and leaves no process behind, whatever happens; the exit code is 1 when a figure is not to be trusted. */
async function run({ what, contenders, json, deadlineMs }: Options): Promise<void> {
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'} × ${cpus().length}, Node ${process.version}`
  const pinned = canPin
    ? 'proxy on one core, load and upstream on another'
    : 'NOT pinned: taskset or a second core is missing'
  console.log(`${machine}; ${pinned}; ends within ${Math.ceil(deadlineMs / 60_000)} min`)
  const stage = await setStage()
  const stop = (code: number): void => void stage.clear().then(() => process.exit(code))
  process.once('SIGINT', () => stop(130))
  process.once('SIGTERM', () => stop(143))
  const tooLate = setTimeout(() => {
    console.error('Not done in time: everything is stopped.')
    stop(1)
  }, deadlineMs)
  try {
    const othersSince = watchOthers()
    const outcome = await outcomeOf(stage, { what, contenders })
    tell(outcome, othersSince(), { json, machine })
  } finally {
    clearTimeout(tooLate)
    await stage.clear()
  }
}

function outcomeOf(stage: Stage, { what, contenders }: Pick<Options, 'what' | 'contenders'>): Promise<Outcome> {
  switch (what.kind) {
    case 'compare':
      return compare(stage, contenders, what)
    case 'rate':
      return compareRates(stage, contenders, what)
    case 'sustain':
      return sustain(stage, contenders, what)
    case 'switched':
      return compareSwitched(stage, contenders, what)
    case 'profile':
      return profile(stage, contenders, what)
  }
}

function tell(
  { text, faults, failure, json }: Outcome,
  othersShare: number | undefined,
  about: { readonly json: string | undefined; readonly machine: string },
): void {
  console.log(`\n${text}`)
  if (othersShare !== undefined) {
    const verdict = othersShare > NOISY_SHARE ? 'Noisy: compare rows, not days.' : 'Quiet enough.'
    console.log(`Others used ${(othersShare * 100).toFixed(0)} % of the machine meanwhile. ${verdict}`)
  }
  for (const one of faults.filter((row) => row.faults > 0)) {
    console.log(`${one.name}: ${one.faults} faults, the first: ${one.firstFault}. Its figures are worth nothing.`)
    process.exitCode = 1
  }
  if (failure !== undefined) {
    console.log(`FAILED: ${failure}.`)
    process.exitCode = 1
  }
  if (about.json === undefined) return
  const report = {
    takenAt: new Date().toISOString(),
    machine: about.machine,
    isPinned: canPin,
    othersShare,
    failure,
    ...json,
  }
  writeFileSync(about.json, `${JSON.stringify(report, null, 2)}\n`)
  console.log(`Written to ${about.json}`)
}

/** Starts watching; the function returned tells which share of all cores went to processes that are not the bench's. */
function watchOthers(): () => number | undefined {
  const look = (): number => (machineCpuMs() ?? Number.NaN) - (usageOf(process.pid, /^$/)?.cpuMs ?? Number.NaN)
  const before = look()
  const since = performance.now()
  return () => {
    const share = (look() - before) / ((performance.now() - since) * cpus().length)
    return Number.isNaN(share) ? undefined : Math.max(0, share)
  }
}
