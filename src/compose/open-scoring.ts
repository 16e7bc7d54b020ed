import type { Cell, Log, PriceCall, RecordScores, World } from '../domain/ports.ts'
import type { RoutingState } from '../domain/state.ts'
import { createEvaluators } from '../evaluate/evaluators.ts'
import { createJudgeDesk } from '../evaluate/judge/judge-desk.ts'
import { createSendJudge } from '../evaluate/judge/send-judge.ts'
import { createScoreWorker } from '../evaluate/worker.ts'
import type { ScoreWorker } from '../evaluate/worker.ts'
import { outboundHeaders } from '../upstream/headers.ts'
import { createPools } from '../upstream/pools.ts'
import { createSend } from '../upstream/send.ts'
import { createSlots } from '../upstream/slots.ts'
import type { Closers } from './closers.ts'

export type ScoringOptions = {
  readonly state: Cell<RoutingState>
  readonly world: World
  readonly price: PriceCall
  readonly record: RecordScores
  /** See `ScoreWorkerOptions`. */
  readonly fenceKey: string
  readonly processes: number
  readonly log: Log
}

/** The worker that scores answers, with connections and limits of its own: it takes nothing from live traffic. */
export function openScoring(options: ScoringOptions, closers: Closers): ScoreWorker {
  const { state, world, price, record, fenceKey, processes, log } = options
  const pools = createPools()
  closers.add(pools.close)
  state.subscribe(({ policy }) => pools.retain(policy))
  const send = createSend(pools, createSlots(), world.monotonic)
  const desk = createJudgeDesk({
    world,
    price,
    send: createSendJudge({ world, send, outboundHeaders, price }),
    processes,
    onCall: (call) => record({ judgeCalls: [call] }, () => undefined),
  })
  const worker = createScoreWorker({
    world,
    policy: () => state.current().policy,
    evaluators: createEvaluators(),
    desk,
    record,
    fenceKey,
    log,
  })
  closers.add(worker.close)
  return worker
}
