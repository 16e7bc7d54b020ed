import type { Contender } from './contenders.ts'
import { WARM_UP } from './compare.ts'
import { counted, CROWD, measure, share } from './measure.ts'
import type { Outcome } from './report.ts'
import type { Stage, Standing } from './stage.ts'
import { median } from './summary.ts'
import { figure, renderCells } from './table.ts'

/** One proxy while its shadow was in one of its positions. */
type Slice = {
  readonly cpuPerRequestUs: number | undefined
  readonly storeCpuPerRequestUs: number | undefined
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  readonly faults: number
  readonly firstFault: string | undefined
}

type Round = { readonly on: Slice; readonly off: Slice }

/** Enough calls for the JIT to know what only one in ten takes. */
const WARM_SECONDS = 8

/**
 * What a shadow costs the live calls: one proxy, whose shadow is turned on and off in turns of `seconds` while the same
 * load goes on. Two proxies side by side differ by more than that.
 */
export async function compareSwitched(
  stage: Stage,
  contenders: readonly Contender[],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<Outcome> {
  const all: { readonly name: string; readonly rounds: readonly Round[] }[] = []
  for (const contender of contenders) {
    const standing = await stage.enter(contender)
    if (typeof standing === 'string') throw new Error(`${contender.name}: ${standing}`)
    const taken = await switched(stage, standing, rounds, seconds)
    all.push({ name: contender.name, rounds: taken })
    await standing.child?.stop(30_000)
  }
  return {
    text: `${renderSwitched(all)}\n\nMedians of ${rounds} rounds of ${seconds} s with the shadow on and ${seconds} s with it off, ${CROWD} connections; on / off: median of the rounds' own ratios.`,
    faults: all.map(({ name, rounds: taken }) => {
      const slices = taken.flatMap(({ on, off }) => [on, off])
      return {
        name,
        faults: slices.reduce((sum, { faults }) => sum + faults, 0),
        firstFault: slices.find(({ firstFault }) => firstFault !== undefined)?.firstFault,
      }
    }),
    json: { rounds, seconds, contenders: all },
  }
}

async function switched(stage: Stage, standing: Standing, rounds: number, seconds: number): Promise<Round[]> {
  const slice = async (position: 'on' | 'off', ofSeconds = seconds): Promise<Slice> => {
    await turnShadow(standing, position)
    const { result, cpuMs, storeCpuMs } = await counted(standing, () =>
      stage.load(standing, { kind: 'plain', paceMs: 0, connections: CROWD, seconds: ofSeconds }),
    )
    const { answers, p50Ms, p99Ms, faults, firstFault } = result
    return {
      cpuPerRequestUs: share(cpuMs, answers),
      storeCpuPerRequestUs: share(storeCpuMs, answers),
      p50Ms,
      p99Ms,
      faults,
      firstFault,
    }
  }
  await measure(stage, standing, WARM_UP)
  await slice('on', WARM_SECONDS)
  await slice('off', WARM_SECONDS / 2)
  const taken: Round[] = []
  for (let round = 1; round <= rounds; round++) {
    // Whoever comes second finds what the first has left to be collected.
    const early = round % 2 === 0 ? await slice('on') : undefined
    const off = await slice('off')
    const on = early ?? (await slice('on'))
    taken.push({ on, off })
    const ratio = figure(quotient(on.cpuPerRequestUs, off.cpuPerRequestUs), 3)
    console.log(`round ${round}/${rounds}  ${standing.contender.name}: ${ratio} × the CPU with it off`)
  }
  return taken
}

async function turnShadow({ adminPort }: Standing, position: 'on' | 'off'): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/admin/shadows/tenth/${position}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'bench' }),
  })
  if (!answer.ok) throw new Error(`turning the shadow ${position}: ${answer.status} ${await answer.text()}`)
}

function renderSwitched(all: readonly { readonly name: string; readonly rounds: readonly Round[] }[]): string {
  const cells = all.map(({ name, rounds }) => {
    const both = (of: (slice: Slice) => number | undefined, digits: number): string[] => [
      `${figure(median(rounds.map(({ on }) => of(on))), digits)} / ${figure(median(rounds.map(({ off }) => of(off))), digits)}`,
      figure(median(rounds.map(({ on, off }) => quotient(of(on), of(off)))), 3),
    ]
    return [
      name,
      ...both((slice) => slice.cpuPerRequestUs, 1),
      ...both((slice) => slice.storeCpuPerRequestUs, 1),
      ...both((slice) => slice.p50Ms, 2),
      ...both((slice) => slice.p99Ms, 2),
    ]
  })
  const of = (figures: string): string[] => [`${figures} on / off`, '×']
  return renderCells(
    ['proxy', ...of('CPU µs/request'), ...of('ClickHouse µs/request'), ...of('p50 ms'), ...of('p99 ms')],
    cells,
  )
}

function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b
}
