import type { Cell, Compare, Log, PriceCall, World } from '../domain/ports.ts'
import type { KnownModel } from '../domain/routing/eligible.ts'
import type { RoutingState } from '../domain/state.ts'
import { createMirror } from '../shadow/mirror.ts'
import type { RunningMirror } from '../shadow/mirror.ts'
import { createShadowRecorder } from '../store/shadow-recorder.ts'
import type { ScoreRecorder } from '../store/score-recorder.ts'
import type { Spool } from '../store/spool.ts'
import { outboundHeaders } from '../upstream/headers.ts'
import { createPools } from '../upstream/pools.ts'
import { createSend } from '../upstream/send.ts'
import { createSlots } from '../upstream/slots.ts'
import type { Slots } from '../upstream/slots.ts'
import type { Closers } from './closers.ts'

export type OpenMirrorOptions = {
  readonly state: Cell<RoutingState>
  readonly world: World
  readonly log: Log
  readonly instance: string
  readonly spool: Spool | undefined
  readonly price: PriceCall
  readonly knownModel: KnownModel
  readonly compare: Compare
  readonly isComparingBehind: () => boolean
  readonly recordFunnel: ScoreRecorder['recordFunnel']
  /** Of live calls. */
  readonly slots: Pick<Slots, 'use'>
  readonly processes: number
}

/** What mirrors live requests, with connections and slots of its own: it takes nothing from live traffic. */
export function openMirror({ slots, spool, instance, ...options }: OpenMirrorOptions, closers: Closers): RunningMirror {
  const { state, world, log } = options
  const pools = createPools()
  closers.add(pools.close)
  state.subscribe(({ policy }) => pools.retain(policy))
  const mirror = createMirror({
    ...options,
    instance,
    send: createSend(pools, createSlots(), world.monotonic),
    outboundHeaders,
    recordCall: createShadowRecorder(spool, instance, log),
    liveQueue: () => slots.use().reduce((sum, { queued }) => sum + queued, 0),
  })
  closers.add(async () => mirror.close())
  return mirror
}
