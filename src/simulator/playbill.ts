import type { MonotonicMs } from '../domain/units.ts'
import { createFaultDraw, type DrawnFaults } from './fault-draw.ts'
import { SCENARIOS, type ScenarioName } from './scenarios.ts'

/** Whose requests a scenario befalls: undefined = of every model, or with every key. */
export type Scope = { readonly model: string | undefined; readonly key: string | undefined }

export type Playing = Scope & {
  readonly scenario: ScenarioName
  /** Requests that it has had a say in, hit or not. */
  readonly requests: number
}

/** The scenarios that are on. */
export type Playbill = {
  /** Puts one on from now, in place of what plays in the same scope. */
  readonly play: (scenario: ScenarioName, scope?: Partial<Scope>) => void
  /** Takes off what plays in this very scope; without one, everything. */
  readonly stop: (scope?: Partial<Scope>) => void
  readonly playing: () => readonly Playing[]
  /** What befalls a request; undefined where no scenario is about it. The one put on last decides. */
  readonly next: (request: {
    readonly models: readonly string[]
    readonly key: string | undefined
  }) => DrawnFaults | undefined
}

type Entry = Playing & { requests: number; readonly draw: () => DrawnFaults }

/** The same seed and the same requests in the same order meet the same faults, but for phases that a clock ends. */
export function createPlaybill(seed: number, monotonic: () => MonotonicMs): Playbill {
  let entries: Entry[] = []

  function without({ model, key }: Partial<Scope>): Entry[] {
    return entries.filter((entry) => entry.model !== model || entry.key !== key)
  }

  return {
    play(scenario, { model, key } = {}) {
      const draw = createDraw(scenario, seed, monotonic)
      entries = [{ scenario, model, key, requests: 0, draw }, ...without({ model, key })]
    },
    stop(scope) {
      entries = scope === undefined ? [] : without(scope)
    },
    playing: () => entries.map(({ scenario, model, key, requests }) => ({ scenario, model, key, requests })),
    next({ models, key }) {
      const entry = entries.find(
        (of) => (of.model === undefined || models.includes(of.model)) && (of.key === undefined || of.key === key),
      )
      if (entry === undefined) return undefined
      entry.requests += 1
      return entry.draw()
    },
  }
}

function createDraw(name: ScenarioName, seed: number, monotonic: () => MonotonicMs): () => DrawnFaults {
  const { phases } = SCENARIOS[name]
  const draws = phases.map(({ forMs, faults }) => ({ forMs, draw: createFaultDraw(`scenario ${name}`, name, faults) }))
  const cycleMs = phases.reduce((sum, { forMs }) => sum + forMs, 0)
  const startedAt = monotonic()
  return () => {
    let left = cycleMs === Infinity ? 0 : (monotonic() - startedAt) % cycleMs
    const phase = draws.find(({ forMs }) => (left -= forMs) < 0)
    if (phase === undefined) throw new Error(`scenario ${name} has no phase for now`)
    return phase.draw(seed)
  }
}
