import type { Decision, Refusal } from '../decide.ts'

/** A decision as its trace has it; texts and lists are as long as a row keeps them. */
export type StoredDecision = {
  readonly route: string
  readonly rule: string
  readonly arm: string
  readonly refused: string
  readonly targets: readonly { readonly provider: string; readonly model: string }[]
  readonly rejected: readonly { readonly target: string; readonly why: string }[]
  readonly reasons: readonly string[]
}

/** One thing that a decision made again says otherwise. */
export type Difference = { readonly field: keyof StoredDecision; readonly stored: string; readonly replayed: string }

/** What a row keeps of a text and of a list (store/row-fields). */
const TEXT_CHARS = 256
const LIST_ENTRIES = 32

/** Where `decision` differs from what was stored; empty where they agree. */
export function replayDifferences(stored: StoredDecision, decision: Decision | Refusal): readonly Difference[] {
  const targets = 'refused' in decision ? [] : decision.targets
  const replayed: StoredDecision = {
    route: kept(decision.route),
    rule: kept(decision.rule),
    arm: decision.arm,
    refused: 'refused' in decision ? decision.refused : '',
    targets: targets
      .slice(0, LIST_ENTRIES)
      .map(({ provider, model }) => ({ provider: kept(provider), model: kept(model) })),
    rejected: (decision.rejected ?? [])
      .slice(0, LIST_ENTRIES)
      .map(({ target, why }) => ({ target: kept(target), why })),
    reasons: decision.reasons.slice(0, LIST_ENTRIES).map(kept),
  }
  return FIELDS.flatMap((field) => {
    const [before, after] = [JSON.stringify(stored[field]), JSON.stringify(replayed[field])]
    return before === after ? [] : [{ field, stored: before, replayed: after }]
  })
}

const FIELDS = ['route', 'rule', 'arm', 'refused', 'targets', 'rejected', 'reasons'] as const

function kept(text: string | undefined): string {
  return (text ?? '').slice(0, TEXT_CHARS)
}
