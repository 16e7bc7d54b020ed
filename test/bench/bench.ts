import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { canPin } from './child.ts'
import { BARE, CONTENDERS, DIRECT, PRODUCT, type Contender } from './contenders.ts'
import { renderSelfTimes, selfTimes } from './hot-path.ts'
import { CROWD, measure, usage, type Lengths, type Sample } from './measure.ts'
import { machineCpuMs, usageOf } from './process-tree.ts'
import { setStage, type Stage, type Standing } from './stage.ts'
import { renderTable, summarise } from './summary.ts'

const FULL: Lengths = { single: 3, crowd: 5, firstByte: 3, streams: 4 }
const QUICK: Lengths = { single: 1.5, crowd: 2.5, firstByte: 1.5, streams: 2 }
/** Long enough for the JIT, the pools and the store's first batches. */
const WARM_UP: Lengths = { single: 0.5, crowd: 2, firstByte: 0.5, streams: 1 }
const PROFILED_SECONDS = 10
const NOISY_SHARE = 0.1
const KNOWN = `Known: ${CONTENDERS.map(({ name }) => name).join(', ')}.`

const HELP = `npm run bench -- [options]

  --quick          two short rounds, about a minute
  --rounds <n>     rounds (each measures every contender once; the table holds medians)
  --only <names>   comma-separated part of: ${CONTENDERS.map(({ name }) => name).join(', ')} (direct is always
                   measured; those with workers, which are not held to one core, only when they are named)
  --json <file>    writes the table, every sample and the machine as JSON
  --profile <kind> no table: ${PROFILED_SECONDS} s of \`plain\` or \`stream\` load on ${PRODUCT} (or --only) under the V8 profiler,
                   and the functions that took the time
`

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
    json: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(HELP)
} else {
  const stage = await setStage()
  const stop = (): void => void stage.clear().then(() => process.exit(130))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    await (values.profile !== undefined ? profile(stage) : compare(stage))
  } finally {
    await stage.clear()
  }
}

async function compare(stage: Stage): Promise<void> {
  const rounds = Number(values.rounds ?? (values.quick ? 2 : 5))
  const lengths = values.quick ? QUICK : FULL
  const only = values.only?.split(',').map((name) => name.trim())
  const wanted = CONTENDERS.filter(
    ({ name, usesAllCores }) => name === DIRECT || (only?.includes(name) ?? usesAllCores !== true),
  )
  const unknown = only?.find((name) => CONTENDERS.every((one) => one.name !== name))
  if (unknown !== undefined) throw new Error(`nobody is called ${unknown}. ${KNOWN}`)
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'} × ${cpus().length}, Node ${process.version}`
  console.log(
    `${machine}; ${canPin ? 'proxy on one core, load and upstream on another' : 'NOT pinned: taskset or a second core is missing'}`,
  )

  const standing: Standing[] = []
  const before = new Map<string, number | undefined>()
  for (const contender of wanted) {
    const entered = await stage.enter(contender)
    if (typeof entered === 'string') {
      console.log(`${contender.name}: left out, ${entered}`)
      continue
    }
    before.set(contender.name, usage(entered)?.rssMb)
    await measure(stage, entered, WARM_UP)
    standing.push(entered)
  }

  const othersSince = watchOthers()
  const samples = new Map<string, Sample[]>(standing.map(({ contender }) => [contender.name, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const one of standing) {
      const sample = await measure(stage, one, lengths)
      samples.get(one.contender.name)?.push(sample)
      console.log(`round ${round}/${rounds}  ${progress(one.contender, sample)}`)
    }
  }

  const othersShare = othersSince()
  const measured = new Map(
    [...samples].map(([name, taken]) => [name, { samples: taken, rssBeforeMb: before.get(name) }] as const),
  )
  const rows = summarise(measured)
  console.log(`\n${renderTable(rows)}\n`)
  console.log(
    `Medians of ${rounds} rounds; 0.8 KB chat calls; CPU of every process, the store's apart, ${CROWD} connections.`,
  )
  if (othersShare !== undefined) {
    const verdict = othersShare > NOISY_SHARE ? 'Noisy: compare rows, not days.' : 'Quiet enough.'
    console.log(`Others used ${(othersShare * 100).toFixed(0)} % of the machine meanwhile. ${verdict}`)
  }
  for (const { name, faults, firstFault } of rows) {
    if (faults > 0) console.log(`${name}: ${faults} faults, the first: ${firstFault}. Its figures are worth nothing.`)
  }
  if (rows.some(({ faults }) => faults > 0)) process.exitCode = 1
  if (values.json !== undefined) {
    const report = {
      takenAt: new Date().toISOString(),
      machine,
      isPinned: canPin,
      othersShare,
      rounds,
      lengths,
      rows,
      samples: Object.fromEntries(samples),
    }
    writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
    console.log(`Written to ${values.json}`)
  }
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

function progress(contender: Contender, sample: Sample): string {
  const cpu = sample.cpuPerRequestUs === undefined ? '' : `, ${sample.cpuPerRequestUs.toFixed(1)} µs CPU each`
  return `${contender.name.padEnd(BARE.length)} ${sample.requestsPerSecond.toFixed(0).padStart(6)} requests/s${cpu}`
}

async function profile(stage: Stage): Promise<void> {
  const name = values.only ?? PRODUCT
  const contender = CONTENDERS.find((one) => one.name === name)
  if (contender === undefined) throw new Error(`nobody is called ${name}. ${KNOWN}`)
  const directory = mkdtempSync(join(tmpdir(), 'understudy-profile-'))
  try {
    const entered = await stage.enter(contender, ['--cpu-prof', '--cpu-prof-dir', directory])
    if (typeof entered === 'string') throw new Error(`${name}: ${entered}`)
    const kind = values.profile === 'stream' ? 'stream' : 'plain'
    const order = { port: entered.port, path: contender.path, kind, paceMs: 10, connections: CROWD } as const
    const result = await stage.load({ ...order, seconds: PROFILED_SECONDS })
    // The profile is written when the process ends by itself.
    await entered.child?.stop(30_000)
    console.log(`${name}: ${result.answers} ${kind} answers in ${PROFILED_SECONDS} s, ${result.faults} faults`)
    for (const times of selfTimes(directory)) console.log(`\n${renderSelfTimes(times, 40)}`)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
