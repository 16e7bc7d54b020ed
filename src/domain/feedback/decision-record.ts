import type { JournalEntry } from '../changes/journal-entry.ts'
import { isRecord, parseJson } from '../rollout/read-json.ts'
import { AUTOMATIC } from '../rollout/rollout-event.ts'
import type { EpochMs, RequestId } from '../units.ts'
import { type ByTask, decideWeights, isMove, type WeightDecision, type WeightInputs } from './decide-weights.ts'
import { decisionText } from './explain-decision.ts'

/** What one decision leaves for the next: when weights were moved last, by task, and what is in quarantine since when. */
export type DecisionMemory = {
  readonly changedAt: ByTask<EpochMs>
  readonly quarantined: ByTask<ByTask<EpochMs>>
}

export const NO_MEMORY: DecisionMemory = { changedAt: {}, quarantined: {} }

/** One decision about the weights of a route, as it is kept. */
export type DecisionRecord = {
  readonly inputs: WeightInputs
  readonly decision: WeightDecision
  readonly memory: DecisionMemory
}

/** By whom, where and under which policy a decision was made. */
export type DecisionContext = {
  readonly id: RequestId
  readonly route: string
  readonly revision: number
  readonly instance: string
  readonly policyVersion: string
}

/** Pure: decides, and says what is to be remembered. */
export function decideAndRemember(inputs: WeightInputs): DecisionRecord {
  const decision = decideWeights(inputs)
  const { now, policy, changedAt } = inputs
  const moved = decision.cells.filter(isMove).map(({ task }) => [task, now] as const)
  // Their weights did not move; until now they moved with those of all traffic.
  const forked = decision.cells
    .filter(({ reason }) => reason === 'own_way')
    .map(({ task }) => [task, changedAt[''] ?? 0] as const)
  return {
    inputs,
    decision,
    memory: {
      changedAt: policy.mode === 'apply' ? { ...changedAt, ...Object.fromEntries([...forked, ...moved]) } : changedAt,
      quarantined: Object.fromEntries(
        decision.cells.flatMap(({ task, quarantined }) =>
          Object.keys(quarantined).length === 0 ? [] : [[task, quarantined] as const],
        ),
      ),
    },
  }
}

/** Its row in `weight_decisions`: everything that it rested on, and what came of it. */
export function entryOfDecision(
  { inputs, decision, memory }: DecisionRecord,
  { id, route, revision, instance, policyVersion }: DecisionContext,
): JournalEntry {
  const { cells, verdict, next } = decision
  const kind = verdict !== 'moved' ? verdict : inputs.policy.mode === 'apply' ? 'applied' : 'suggested'
  return {
    name: route,
    subject: route,
    revision,
    id,
    at: inputs.now,
    instance,
    actor: AUTOMATIC,
    reason: decisionText(decision),
    policyVersion,
    kind,
    before: JSON.stringify(inputs.weights),
    after: JSON.stringify(next),
    details: JSON.stringify({ inputs, cells, memory }),
  }
}

/** What `entryOfDecision` wrote; undefined for a row that is none. */
export function recordOfEntry(
  entry: Pick<JournalEntry, 'after' | 'details' | 'kind'>,
): (Omit<DecisionRecord, 'decision'> & { readonly decision: Pick<WeightDecision, 'cells' | 'next'> }) | undefined {
  const details = parseJson(entry.details)
  const next = parseJson(entry.after)
  if (!areDetails(details) || !isNext(next)) return undefined
  const { inputs, cells, memory } = details
  return { inputs, decision: { cells, next }, memory }
}

/** Decides again out of a row. Empty where it comes to the same; else what differs, in words. */
export function replayDecision(entry: Pick<JournalEntry, 'after' | 'details' | 'kind'>): readonly string[] {
  const stored = recordOfEntry(entry)
  if (stored === undefined) return ['its inputs cannot be read']
  const again = decideAndRemember(stored.inputs)
  const parts = [
    ['weights', entry.after, JSON.stringify(again.decision.next)],
    ['cells', JSON.stringify(stored.decision.cells), JSON.stringify(again.decision.cells)],
    ['memory', JSON.stringify(stored.memory), JSON.stringify(again.memory)],
  ] as const
  return parts.flatMap(([part, before, now]) =>
    before === now ? [] : [`${part}: stored ${before.slice(0, 300)}, decided now ${now.slice(0, 300)}`],
  )
}

/**
 * Whether a decision says something that the last row does not: weights move, an arm stands otherwise than it did, or
 * there is no news any more, or again. Standings near their bound go to and fro, so those are told once in `quietMs`.
 */
export function isNews(
  { inputs, decision }: DecisionRecord,
  last: ReturnType<typeof recordOfEntry>,
  quietMs: number,
): boolean {
  if (last === undefined) return true
  if (decision.verdict === 'moved') {
    return inputs.policy.mode === 'apply' || JSON.stringify(decision.next) !== JSON.stringify(last.decision.next)
  }
  const wasFrozen = last.decision.cells.every(({ verdict }) => verdict === 'frozen')
  if (wasFrozen !== (decision.verdict === 'frozen')) return true
  if (inputs.now - last.inputs.now < quietMs) return false
  // A suggestion that no longer stands is taken back.
  if (inputs.policy.mode === 'suggest' && last.decision.cells.some(isMove)) return true
  return standingsOf(decision.cells) !== standingsOf(last.decision.cells)
}

function standingsOf(cells: WeightDecision['cells']): string {
  return JSON.stringify(cells.map(({ task, arms }) => [task, arms.map(({ arm, standing }) => [arm, standing])]))
}

type Details = Pick<DecisionRecord, 'inputs' | 'memory'> & Pick<WeightDecision, 'cells'>

/** This program wrote them, so the outer form vouches for the rest. */
function areDetails(value: unknown): value is Details {
  if (!isRecord(value)) return false
  const { inputs, cells, memory } = value
  if (!isRecord(inputs) || !Array.isArray(cells)) return false
  if (!isRecord(memory) || !isRecord(memory['changedAt']) || !isRecord(memory['quarantined'])) return false
  const { rule, policy, weights, readings, now } = inputs
  if (!isRecord(rule) || !isRecord(policy) || !isRecord(weights) || typeof now !== 'number') return false
  return isRecord(weights['weights']) && isRecord(readings) && Array.isArray(readings['quality'])
}

function isNext(value: unknown): value is WeightDecision['next'] {
  return isRecord(value) && isRecord(value['weights']) && Array.isArray(value['pins'])
}
