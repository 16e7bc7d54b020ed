import type { FunnelCount } from '../domain/funnel.ts'
import type { FunnelTotal } from '../domain/shadow/shadow-report.ts'
import type { FailureKind, ShadowArm, SkipReason } from '../domain/shadow/shadow.ts'
import type { Target } from '../domain/target.ts'
import type { EpochMs } from '../domain/units.ts'

/** Hands counts over to be stored; `FunnelCount`s are differences, to be summed. */
export type RecordFunnel = (counts: readonly FunnelCount[], release: () => void) => void

/**
 * Counts what became of the requests that matched. A request is counted once, when that is known, at all the stages it
 * went through at once: so eligible = mirrored + skipped and mirrored = compared + failed hold in every reading, also
 * after a kill.
 */
export type Funnel = {
  readonly skipped: (shadow: string, reason: SkipReason, target: Target | undefined, arm: ShadowArm | undefined) => void
  /** `failure` undefined: compared; `target` undefined: to several at once. */
  readonly mirrored: (
    shadow: string,
    target: Target | undefined,
    arm: ShadowArm,
    failure: FailureKind | undefined,
  ) => void
  readonly totals: () => readonly FunnelTotal[]
  /** Writes what has been counted since the last time. */
  readonly flush: () => void
  readonly close: () => void
}

type Place = Omit<FunnelCount, 'minute' | 'requests'> & { total: number; unwritten: number }

/** Skips wait for so long to be written: of a busy proxy that is one row instead of thousands. */
const WRITE_EVERY_MS = 1_000
const MINUTE_MS = 60_000

export function createFunnel(record: RecordFunnel, now: () => EpochMs): Funnel {
  /** By shadow and `placeName`. */
  const places = new Map<string, Map<string, Place>>()
  let minute = 0
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  const add = (stage: FunnelCount['stage'], shadow: string, target?: Target, arm?: ShadowArm, reason = ''): void => {
    const isControl = arm === 'aa'
    let ofShadow = places.get(shadow)
    if (ofShadow === undefined) places.set(shadow, (ofShadow = new Map()))
    const name = placeName(stage, reason, target, isControl)
    let place = ofShadow.get(name)
    if (place === undefined) {
      ofShadow.set(name, (place = { shadow, target, isControl, stage, reason, total: 0, unwritten: 0 }))
    }
    place.total++
    place.unwritten++
  }
  const allPlaces = (): Place[] => [...places.values()].flatMap((ofShadow) => [...ofShadow.values()])
  /** Counts of two minutes are two rows. */
  const turn = (): void => {
    const current = Math.floor(now() / MINUTE_MS) * MINUTE_MS
    if (current === minute) return
    flush()
    minute = current
  }
  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    const counts: FunnelCount[] = []
    for (const place of allPlaces()) {
      if (place.unwritten === 0) continue
      const { shadow, target, isControl, stage, reason, unwritten } = place
      counts.push({ minute, shadow, target, isControl, stage, reason, requests: unwritten })
      place.unwritten = 0
    }
    if (counts.length > 0) record(counts, () => undefined)
  }

  return {
    skipped: (shadow, reason, target, arm) => {
      turn()
      add('eligible', shadow)
      add('skipped', shadow, target, arm, reason)
      if (isClosed) flush()
      else timer ??= setTimeout(flush, WRITE_EVERY_MS).unref()
    },
    mirrored: (shadow, target, arm, failure) => {
      turn()
      add('eligible', shadow)
      add('mirrored', shadow, target, arm)
      if (failure === undefined) add('compared', shadow, target, arm)
      else add('failed', shadow, target, arm, failure)
      flush()
    },
    totals: () =>
      allPlaces().map(({ shadow, target, isControl, stage, reason, total }) => ({
        shadow,
        target,
        isControl,
        stage,
        reason,
        requests: total,
      })),
    flush,
    close: () => {
      flush()
      isClosed = true
    },
  }
}

/** Most requests are eligible and not sampled: for these no text is put together. */
function placeName(stage: Place['stage'], reason: string, target: Target | undefined, isControl: boolean): string {
  if (target !== undefined) return `${stage} ${reason} ${isControl} ${target.provider}/${target.model}`
  if (stage === 'eligible') return stage
  return stage === 'skipped' ? reason : `${stage} ${reason}`
}
