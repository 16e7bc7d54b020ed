import type { EpochMs, MonotonicMs } from '../domain/units.ts'
import type { Spent } from './ask.ts'
import type { Canned } from './canned.ts'
import { createFaultDraw, type DrawnFaults } from './fault-draw.ts'
import type { Manners } from './manners.ts'
import type { SimulatedModel } from './model.ts'
import type { Playbill } from './playbill.ts'
import type { PromptCache } from './prompt-cache.ts'
import type { RequestLog } from './request-log.ts'

/** All that the requests of one simulator share. */
export type Simulation = {
  readonly seed: number
  readonly models: ModelShelf
  readonly playbill: Playbill
  readonly answers: ReadonlyMap<string, string>
  /** The only key accepted; undefined = any key is. */
  readonly apiKey: string | undefined
  /** Undefined = those of the dialect's own provider. */
  readonly manners: Manners | undefined
  readonly canned: Canned
  readonly cache: PromptCache
  readonly log: RequestLog
  readonly counters: Counters
  readonly now: () => EpochMs
  readonly monotonic: () => MonotonicMs
}

/**
 * Counted since the start; `faults` by the fault's own text, `statuses` of answers whose head went out, `spent` by the
 * model's snapshot: tokens of every text that was made, prepared ones apart.
 */
export type Counters = {
  received: number
  answered: number
  clientClosed: number
  brokenOff: number
  openConnections: number
  connections: number
  readonly statuses: Map<number, number>
  readonly faults: Map<string, number>
  readonly spent: Map<string, Spent>
}

export function countUp<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** Puts the tokens of one answer on a model's bill. */
export function bill(bills: Map<string, Spent>, snapshot: string, spent: Spent): void {
  const before = bills.get(snapshot)
  bills.set(snapshot, {
    uncachedInput: spent.uncachedInput + (before?.uncachedInput ?? 0),
    cacheRead: spent.cacheRead + (before?.cacheRead ?? 0),
    cacheWrite5m: spent.cacheWrite5m + (before?.cacheWrite5m ?? 0),
    cacheWrite1h: spent.cacheWrite1h + (before?.cacheWrite1h ?? 0),
    visibleOutput: spent.visibleOutput + (before?.visibleOutput ?? 0),
    reasoning: spent.reasoning + (before?.reasoning ?? 0),
  })
}

/** The models served, by name and by snapshot. */
export type ModelShelf = {
  readonly find: (name: string) => ShelvedModel | undefined
  readonly all: () => readonly SimulatedModel[]
  /** Throws where a fault is not in the grammar or the probabilities sum to more than 1. */
  readonly put: (model: SimulatedModel) => void
}

export type ShelvedModel = {
  readonly model: SimulatedModel
  /** What befalls the model's next request: drawn by how many it has had, so that trying again may go better. */
  readonly nextFaults: (seed: number) => DrawnFaults
}

export function createModelShelf(models: readonly SimulatedModel[]): ModelShelf {
  const byName = new Map<string, ShelvedModel>()
  const shelf: ModelShelf = {
    find: (name) => byName.get(name),
    all: () => [...new Set(byName.values())].map(({ model }) => model),
    put(model) {
      const shelved = shelve(model)
      byName.set(model.name, shelved)
      byName.set(model.snapshot, shelved)
    },
  }
  for (const model of models) shelf.put(model)
  return shelf
}

function shelve(model: SimulatedModel): ShelvedModel {
  return { model, nextFaults: createFaultDraw(`model ${model.name}`, model.name, model.faults) }
}
