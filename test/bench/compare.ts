import { BARE, type Contender } from './contenders.ts'
import { CROWD, measure, usage, type Lengths, type Sample } from './measure.ts'
import type { Stage, Standing } from './stage.ts'
import { renderTable, summarise } from './summary.ts'
import type { Outcome } from './report.ts'

/** Long enough for the JIT, the pools and the store's first batches. */
export const WARM_UP: Lengths = { single: 0.5, crowd: 2, firstByte: 0.5, streams: 1 }

/** Measures everybody who could be started, in turn, for so many rounds. */
export async function compare(
  stage: Stage,
  contenders: readonly Contender[],
  { rounds, lengths }: { readonly rounds: number; readonly lengths: Lengths },
): Promise<Outcome> {
  const before = new Map<string, number | undefined>()
  const standing = await enterAll(stage, contenders, async (entered) => {
    before.set(entered.contender.name, usage(entered)?.rssMb)
    await measure(stage, entered, WARM_UP)
  })
  const samples = new Map<string, Sample[]>(standing.map(({ contender }) => [contender.name, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const one of turned(standing, round)) {
      const sample = await measure(stage, one, lengths)
      samples.get(one.contender.name)?.push(sample)
      console.log(`round ${round}/${rounds}  ${progress(one.contender, sample)}`)
    }
  }
  const measured = new Map(
    [...samples].map(([name, taken]) => [name, { samples: taken, rssBeforeMb: before.get(name) }] as const),
  )
  const rows = summarise(measured)
  return {
    text: `${renderTable(rows)}\n\nMedians of ${rounds} rounds; 0.8 KB chat calls; CPU of every process, the store's apart, ${CROWD} connections.`,
    faults: rows,
    json: { rounds, lengths, rows, samples: Object.fromEntries(samples) },
  }
}

/** In another order each round: whoever comes after a busy contender may find the caches and the clock of a busy core. */
function turned<T>(all: readonly T[], by: number): readonly T[] {
  const first = by % all.length
  return [...all.slice(first), ...all.slice(0, first)]
}

/** Starts all who can take part, and says who cannot; `prepare` is called for each before the next is started. */
export async function enterAll(
  stage: Stage,
  contenders: readonly Contender[],
  prepare: (standing: Standing) => Promise<void>,
): Promise<Standing[]> {
  const standing: Standing[] = []
  for (const contender of contenders) {
    const entered = await stage.enter(contender)
    if (typeof entered === 'string') {
      console.log(`${contender.name}: left out, ${entered}`)
      continue
    }
    await prepare(entered)
    standing.push(entered)
  }
  return standing
}

function progress(contender: Contender, sample: Sample): string {
  const cpu = sample.cpuPerRequestUs === undefined ? '' : `, ${sample.cpuPerRequestUs.toFixed(1)} µs CPU each`
  return `${contender.name.padEnd(BARE.length)} ${sample.requestsPerSecond.toFixed(0).padStart(6)} requests/s${cpu}`
}
