import type { JournalEntry } from '../changes/journal-entry.ts'
import type { EpochMs, RequestId } from '../units.ts'
import { isRecord, parseJson } from './read-json.ts'
import { HOLD_REASONS, type HoldReason, type LivePhase, type Phase, phaseText } from './phase.ts'
import type { Change, RolloutEvent } from './rollout-event.ts'
import type { RolloutState } from './rollout-state.ts'

/** What an event's row says besides the event. */
export type EventStory = {
  readonly id: RequestId
  readonly instance: string
  readonly policyVersion: string
  /** Phases in words, for people who read the table. */
  readonly before: string
  readonly after: string
  /** Id of the row of `rollout_decisions` that it carries out; undefined: a person or the file asked for it. */
  readonly decision?: RequestId | undefined
  /** What the file asks for, where that is why. */
  readonly asked?: string | undefined
}

/** The row of `rollout_events`. */
export function entryOfRolloutEvent(event: RolloutEvent, story: EventStory): JournalEntry {
  const { id, instance, policyVersion, before, after, decision, asked } = story
  return {
    name: event.rollout,
    revision: event.revision,
    id,
    at: event.at,
    instance,
    actor: event.actor,
    reason: event.reason,
    policyVersion,
    kind: event.change.kind,
    subject: event.rollout,
    before: JSON.stringify(before),
    after: JSON.stringify(after),
    details: JSON.stringify({ change: event.change, decision, asked }),
  }
}

/** The event that `entryOfRolloutEvent` wrote; undefined for one of a kind that this version does not know. */
export function rolloutEventOf(entry: JournalEntry): RolloutEvent | undefined {
  const details = parseJson(entry.details)
  const change = isRecord(details) ? readChange(details['change']) : undefined
  if (change === undefined) return undefined
  const { name, revision, at, actor, reason } = entry
  return { rollout: name, revision, at, actor, reason, change }
}

/** What the file asked for when it caused this event; undefined where it did not. */
export function askedBy(entry: JournalEntry): string | undefined {
  const details = parseJson(entry.details)
  return isRecord(details) ? textIn(details, 'asked') : undefined
}

/** Both phases of an event, for its row. */
export function phasesAround(
  before: RolloutState | undefined,
  after: RolloutState | undefined,
): Pick<EventStory, 'before' | 'after'> {
  return {
    before: before === undefined ? '' : phaseText(before.phase),
    after: after === undefined ? '' : phaseText(after.phase),
  }
}

/** The change that `value` says; undefined for anything else. */
export function readChange(value: unknown): Change | undefined {
  if (!isRecord(value)) return undefined
  const { kind } = value
  switch (kind) {
    case 'created': {
      const [identity, steps] = [textIn(value, 'identity'), numbersIn(value, 'steps')]
      return identity === undefined || steps === undefined ? undefined : { kind, identity, steps }
    }
    case 'started':
    case 'stepped':
    case 'retried': {
      const into = readLivePhase(value['into'])
      return into === undefined ? undefined : { kind, into }
    }
    case 'held': {
      const reason = readReason(value['reason'])
      return reason === undefined ? undefined : { kind, reason }
    }
    case 'released':
    case 'paused':
    case 'resumed':
    case 'approved':
    case 'succeeded':
    case 'aborted':
      return { kind }
    case 'rolled_back': {
      const [cause, cooldownUntil] = [textIn(value, 'cause'), timeIn(value, 'cooldownUntil')]
      return cause === undefined || cooldownUntil === undefined ? undefined : { kind, cause, cooldownUntil }
    }
    case 'superseded': {
      const by = textIn(value, 'by')
      return by === undefined ? undefined : { kind, by }
    }
    case 'edited': {
      const [identity, steps] = [textIn(value, 'identity'), numbersIn(value, 'steps')]
      const first = readLivePhase(value['first'])
      if (identity === undefined || steps === undefined || first === undefined) return undefined
      return { kind, identity, steps, first }
    }
    default:
      return undefined
  }
}

/** The state that `value` says, as JSON keeps it; undefined for anything else. */
export function readRolloutState(value: unknown): RolloutState | undefined {
  if (!isRecord(value)) return undefined
  const phase = readPhase(value['phase'])
  const steps = numbersIn(value, 'steps')
  const [name, identity] = [textIn(value, 'name'), textIn(value, 'identity')]
  const [actor, reason] = [textIn(value, 'actor'), textIn(value, 'reason')]
  const [revision, epoch, pausedMs] = [timeIn(value, 'revision'), timeIn(value, 'epoch'), timeIn(value, 'pausedMs')]
  const [enteredAt, dealtAt] = [timeIn(value, 'enteredAt'), timeIn(value, 'dealtAt')]
  const changedAt = timeIn(value, 'changedAt')
  if (phase === undefined || steps === undefined || name === undefined || identity === undefined) return undefined
  if (actor === undefined || reason === undefined || revision === undefined || epoch === undefined) return undefined
  if (pausedMs === undefined || enteredAt === undefined || dealtAt === undefined) return undefined
  if (changedAt === undefined) return undefined
  return {
    name,
    revision,
    phase,
    epoch,
    identity,
    steps,
    enteredAt,
    dealtAt,
    pausedMs,
    pausedAt: timeIn(value, 'pausedAt'),
    isApproved: value['isApproved'] === true,
    changedAt,
    actor,
    reason,
  }
}

function readPhase(value: unknown): Phase | undefined {
  if (!isRecord(value)) return undefined
  const live = readLivePhase(value)
  if (live !== undefined) return live
  const { kind } = value
  const at = readLivePhase(value['at'])
  switch (kind) {
    case 'draft':
    case 'succeeded':
    case 'aborted':
      return { kind }
    case 'paused':
      return at === undefined ? undefined : { kind, at }
    case 'holding': {
      const reason = readReason(value['reason'])
      return at === undefined || reason === undefined ? undefined : { kind, at, reason }
    }
    case 'rolled_back': {
      const [cause, cooldownUntil] = [textIn(value, 'cause'), timeIn(value, 'cooldownUntil')]
      return cause === undefined || cooldownUntil === undefined ? undefined : { kind, cause, cooldownUntil }
    }
    case 'superseded': {
      const by = textIn(value, 'by')
      return by === undefined ? undefined : { kind, by }
    }
    default:
      return undefined
  }
}

function readLivePhase(value: unknown): LivePhase | undefined {
  if (!isRecord(value)) return undefined
  const { kind } = value
  if (kind === 'shadow' || kind === 'baking') return { kind }
  const percent = timeIn(value, 'percent')
  return kind === 'ramping' && percent !== undefined ? { kind, percent } : undefined
}

function readReason(value: unknown): HoldReason | undefined {
  return HOLD_REASONS.find((reason) => reason === value)
}

type JsonRecord = Readonly<Record<string, unknown>>

function textIn(record: JsonRecord, name: string): string | undefined {
  const value = record[name]
  return typeof value === 'string' ? value : undefined
}

function timeIn(record: JsonRecord, name: string): EpochMs | undefined {
  const value = record[name]
  return typeof value === 'number' ? value : undefined
}

function numbersIn(record: JsonRecord, name: string): readonly number[] | undefined {
  const list = record[name]
  if (!Array.isArray(list)) return undefined
  const numbers = list.filter((item: unknown) => typeof item === 'number')
  return numbers.length === list.length ? numbers : undefined
}
