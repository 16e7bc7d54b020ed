import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Contender } from './contenders.ts'
import { renderSelfTimes, selfTimes } from './hot-path.ts'
import { CROWD } from './measure.ts'
import type { Outcome } from './report.ts'
import type { Stage } from './stage.ts'

const SHOWN = 40

/** The first contender under the V8 profiler: the functions that took the time, per process or thread. */
export async function profile(
  stage: Stage,
  [contender]: readonly Contender[],
  { load, seconds }: { readonly load: 'plain' | 'stream'; readonly seconds: number },
): Promise<Outcome> {
  if (contender === undefined) throw new Error('nobody to profile')
  const directory = mkdtempSync(join(tmpdir(), 'understudy-profile-'))
  try {
    const entered = await stage.enter(contender, ['--cpu-prof', '--cpu-prof-dir', directory])
    if (typeof entered === 'string') throw new Error(`${contender.name}: ${entered}`)
    const result = await stage.load(entered, { kind: load, paceMs: 10, connections: CROWD, seconds })
    // The profile is written when the process ends by itself.
    await entered.child?.stop(30_000)
    const all = selfTimes(directory)
    const { name } = contender
    return {
      text: [
        `${name}: ${result.answers} ${load} answers in ${seconds} s`,
        ...all.map((times) => renderSelfTimes(times, SHOWN)),
      ].join('\n\n'),
      faults: [{ name, faults: result.faults, firstFault: result.firstFault }],
      json: { name, load, seconds, processes: all.map((times) => times.slice(0, SHOWN)) },
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
