import { mirrorContent, mirroredCall } from '../dialects/mirrored-call.ts'
import { promptFacts } from '../dialects/prompt-facts.ts'
import type { Attempt, Exchange } from '../domain/exchange.ts'
import { isForClient } from '../domain/exchange-totals.ts'
import type { Cell, Compare, Log, PriceCall, World } from '../domain/ports.ts'
import type { Provider } from '../domain/policy.ts'
import type { RawHeaders } from '../domain/request.ts'
import { aliasOf } from '../domain/routing/decide-route.ts'
import { isOutOfReach, type KnownModel, unfitness } from '../domain/routing/eligible.ts'
import type { Facts } from '../domain/routing/facts.ts'
import { modelFacts } from '../domain/routing/model-facts.ts'
import type { Mirror, MirrorOffer } from '../domain/shadow/mirror.ts'
import { mayMirrorNow, type MirrorPlan, type MirrorPlans, mirrorPlans } from '../domain/shadow/mirror-plan.ts'
import { projectedUsage } from '../domain/shadow/projection.ts'
import { mirroringShadows } from '../domain/shadow/mirroring-shadows.ts'
import { isMirroring, isOfShadow } from '../domain/shadow/shadow-switch.ts'
import { type ReadyShadow, type ReadyShadows, readyShadows } from '../domain/shadow/ready-shadows.ts'
import type { FunnelTotal, ShadowReport } from '../domain/shadow/shadow-report.ts'
import type { Shadow, SkipReason } from '../domain/shadow/shadow.ts'
import type { Spend } from '../domain/spend-budget.ts'
import type { RoutingState } from '../domain/state.ts'
import type { SendUpstream } from '../domain/upstream-call.ts'
import { createFunnel, type RecordFunnel } from './funnel.ts'
import { createHold } from './hold.ts'
import { createLane, type Lane, type LaneStatus } from './lane.ts'
import type { ShadowJob } from './shadow-job.ts'
import { watchLoopDelay } from './loop-delay.ts'
import { createPauses } from './pauses.ts'
import { createRecentRequests } from './recent-requests.ts'
import { requestFate } from './request-fate.ts'
import { redactedBody } from './redacted-body.ts'
import { shadowHeaders } from './shadow-headers.ts'

export type MirrorOptions = {
  readonly state: Cell<RoutingState>
  /** Names this process in its reports. */
  readonly instance: string
  readonly world: World
  readonly log: Log
  /** Over pools and slots of its own: nothing that shadows do takes a connection or a slot from a live call. */
  readonly send: SendUpstream
  readonly outboundHeaders: (raw: RawHeaders, provider: Provider, traceparent: string | undefined) => string[]
  readonly price: PriceCall
  readonly knownModel: KnownModel
  readonly compare: Compare
  /** Writes the row of one shadow call about `exchange`. */
  readonly recordCall: (exchange: Exchange, attempt: Attempt) => void
  readonly recordFunnel: RecordFunnel
  /** Live calls that wait for a slot. */
  readonly liveQueue: () => number
  /** More pairs wait to be compared than are in good time: a call would be paid for nothing. */
  readonly isComparingBehind: () => boolean
  /** Processes among which budgets and limits are divided. */
  readonly processes: number
  /** A timer this late means that the live path is short of time itself; 250 ms. */
  readonly lateLoopMs?: number
}

export type RunningMirror = Mirror & {
  readonly totals: () => readonly FunnelTotal[]
  /** Of every shadow of the policy, in its order. */
  readonly status: () => readonly LaneStatus[]
  readonly report: () => readonly ShadowReport[]
  /** Counts what each shadow spent in this hour and day before this process began, or on other ones since. */
  readonly addSpend: (spent: ReadonlyMap<string, Spend>) => void
  /** Gives up what is under way, and writes what was counted. Later offers are skipped. */
  readonly close: () => void
}

const LATE_LOOP_MS = 250

const NO_READS = { text: false, inputTokens: false, turn: false, needs: false, conversation: false }

/** Mirrors a sample of live requests to other models, off the path of any client. */
export function createMirror(options: MirrorOptions): RunningMirror {
  const { state, world, log, lateLoopMs = LATE_LOOP_MS } = options
  const funnel = createFunnel(options.recordFunnel, world.now)
  const pauses = createPauses()
  const recent = createRecentRequests()
  const hold = createHold()
  const lanes = new Map<string, Lane>()
  let loopDelay: ReturnType<typeof watchLoopDelay> | undefined
  let isClosed = false
  const onPolicy = (now: RoutingState): void => {
    if (!isClosed && mirroringShadows(now).length > 0) loopDelay ??= watchLoopDelay(world.monotonic)
    else {
      loopDelay?.close()
      loopDelay = undefined
    }
  }
  const unsubscribe = state.subscribe(onPolicy)
  onPolicy(state.current())

  const laneOf = ({ name }: Pick<Shadow, 'name'>): Lane => {
    let lane = lanes.get(name)
    if (lane === undefined) lanes.set(name, (lane = createLane(name, { ...options, pauses, hold, mayRunNow })))
    return lane
  }
  const isLiveLoaded = (): boolean =>
    options.liveQueue() > 0 || options.isComparingBehind() || (loopDelay?.worstMs() ?? 0) > lateLoopMs

  function mayRunNow(shadow: Shadow, provider: Provider): SkipReason | undefined {
    const at = world.now()
    return mayMirrorNow(shadow, {
      isShuttingDown: isClosed,
      isBackedOff: pauses.until(provider.name, at) !== undefined,
      headroom: pauses.headroom(provider.name, at),
      isLiveLoaded: isLiveLoaded(),
    })
  }

  function offer(offered: MirrorOffer): void {
    const now = state.current()
    const { request, decision } = offered.exchange
    let made: Facts | undefined
    const facts = (): Facts => (made ??= factsOf(offered, readyShadows(now.policy)))
    for (const each of mirroringShadows(now)) {
      if (!isOfShadow(each.shadow, decision) || !each.mayMatch(request)) continue
      if (each.hasConditions && !each.matches(facts(), aliasOf(facts(), now)?.model ?? facts().model)) continue
      take(each, offered, facts, now)
    }
  }

  function take({ shadow, samples }: ReadyShadow, offered: MirrorOffer, facts: () => Facts, now: RoutingState): void {
    const { exchange, body, answer } = offered
    const { request } = exchange
    const plans = mirrorPlans(
      shadow,
      {
        exchange,
        isOff: headerOf(offered.headers, 'x-understudy-shadow')?.toLowerCase() === 'off',
        isKept: body !== undefined && answer !== undefined,
        isSampled: samples(request.id),
        content: () => (body === undefined ? undefined : mirrorContent(request.api, body)),
        suits: (target) => {
          const why = unfitness(target, target.model, facts(), now.policy, options.knownModel)
          return why === undefined || isOutOfReach(why) // that is told as what it is
        },
      },
      now.policy,
    )
    if ('skipped' in plans) return funnel.skipped(shadow.name, plans.skipped, plans.target, plans.arm)
    if (body === undefined || answer === undefined) return
    const skip = admit(shadow, plans, { ...offered, body, answer }, facts(), now)
    if (skip !== undefined) funnel.skipped(shadow.name, skip, targetOf(plans), plans[0].arm)
  }

  /** Why the plans cannot be carried out just now; undefined when all are on their way. */
  function admit(
    shadow: Shadow,
    plans: MirrorPlans,
    offered: Kept,
    facts: Facts,
    now: RoutingState,
  ): SkipReason | undefined {
    const { exchange, body } = offered
    const { client } = exchange.request
    const subject = `${shadow.name} ${client.keySubject}`
    const monotonic = world.monotonic()
    if ((client.sdkRetry ?? 0) > 0 && recent.has(subject, body, monotonic)) return 'sdk_retry_duplicate'
    for (const { provider } of plans) {
      const skip = mayRunNow(shadow, provider)
      if (skip !== undefined) return skip
    }
    const stable = exchange.attempts.findLast(({ role }) => isForClient(role))
    if (stable === undefined) return 'not_called'
    const jobs: ShadowJob[] = []
    const { name } = shadow
    const ended = requestFate(plans.length, (fate) => {
      if ('skipped' in fate) funnel.skipped(name, fate.skipped, targetOf(plans), plans[0].arm)
      else funnel.mirrored(name, targetOf(plans), plans[0].arm, fate.failure)
    })
    for (const plan of plans) {
      const job = jobOf(shadow, plan, stable, offered, facts, now)
      if (typeof job === 'string') return job
      jobs.push({ ...job, audited: shadow.audit === undefined ? undefined : plans.length, ended })
    }
    const refused = laneOf(shadow).take(jobs)
    if (refused === undefined) recent.add(subject, body, monotonic)
    return refused
  }

  function jobOf(
    shadow: Shadow,
    plan: MirrorPlan,
    stable: Attempt,
    { exchange, body, answer, headers: raw }: Kept,
    facts: Facts,
    now: RoutingState,
  ): Omit<ShadowJob, 'audited' | 'ended'> | SkipReason {
    const { request } = exchange
    const { provider, target } = plan
    const { maxOutputTokens } = promptFacts(request.api, body, NO_READS)
    const projection = projectedUsage(stable, body.length, maxOutputTokens, laneOf(shadow).learnedOutput(target))
    const cost = options.price({
      provider: provider.name,
      model: target.model,
      usage: projection.usage,
      at: world.now(),
    })
    if (cost.kind !== 'priced') return 'unpriced'
    const isRedacting = shadow.redactsCandidate && plan.arm === 'candidate'
    const sent = isRedacting ? redactedBody(body, now.policy.content.rules) : body
    if (sent === undefined) return 'not_redactable'
    const makeCall = (): ReturnType<ShadowJob['makeCall']> => {
      const model = modelFacts(now.policy.routing.models, options.knownModel, provider, target.model)
      const { path, body: bytes, adaptations } = mirroredCall(request, sent, provider, target.model, model)
      const headers = options.outboundHeaders(shadowHeaders(raw), provider, undefined)
      return { outbound: { method: request.method, path, headers, body: bytes }, adaptations }
    }
    return {
      shadow,
      plan,
      exchange,
      stable,
      requestBody: body,
      stableAnswer: answer,
      isRedacted: sent !== body,
      makeCall,
      task: facts.labels.task,
      unit: facts.unit.source === 'none' ? undefined : facts.unit.value,
      projected: cost.picoUsd,
      isBound: projection.isBound,
    }
  }

  function status(): readonly LaneStatus[] {
    const now = state.current()
    return now.policy.shadows.map((shadow) => laneOf(shadow).status(shadow, isMirroring(shadow, now)))
  }

  return {
    wants: (request, decision) => {
      const now = state.current()
      if (now.policy.shadows.length === 0 || isClosed) return false
      return mirroringShadows(now).some(
        ({ shadow, samples, mayMatch }) => isOfShadow(shadow, decision) && mayMatch(request) && samples(request.id),
      )
    },
    offer: (offered) => {
      if (state.current().policy.shadows.length === 0) return
      try {
        offer(offered)
      } catch (bug) {
        log.error('mirror_failed', { trace_id: offered.exchange.request.id, bug })
      }
    },
    totals: funnel.totals,
    status,
    report: () => {
      const totals = funnel.totals()
      return status().map(({ shadow, isOn: isRunning, running, queued, spent, totalSpent, backedOffUntil }) => ({
        shadow,
        instance: options.instance,
        isOn: isRunning,
        running,
        queued,
        hourPicoUsd: String(spent.hour),
        dayPicoUsd: String(spent.day),
        totalPicoUsd: String(totalSpent),
        backedOffUntil,
        counts: totals.filter((total) => total.shadow === shadow),
      }))
    },
    addSpend: (spent) => {
      for (const [name, amounts] of spent) laneOf({ name }).addSpend(amounts)
    },
    close: () => {
      isClosed = true
      unsubscribe()
      loopDelay?.close()
      for (const lane of lanes.values()) lane.close()
      funnel.close()
    },
  }
}

type Kept = MirrorOffer & { readonly body: Buffer; readonly answer: Buffer }

/** The model that a request was put to; undefined where there are several, and the request is counted for all of them. */
function targetOf([first, ...others]: MirrorPlans): MirrorPlan['target'] | undefined {
  return others.length === 0 ? first.target : undefined
}

/** What routing knew of the request is enough where no shadow asks for more. */
function factsOf({ exchange, body, headers }: MirrorOffer, ready: ReadyShadows): Facts {
  const { request, receivedAt, inputs } = exchange
  if (inputs !== undefined && !ready.needsOwnFacts) return inputs.facts
  const prompt =
    ready.reads === undefined || body === undefined ? undefined : promptFacts(request.api, body, ready.reads)
  return ready.factsOf(request, (name) => headerOf(headers, name), prompt, receivedAt)
}

/** The first header of that (lower-case) name. */
function headerOf(headers: RawHeaders, name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.length === name.length && headers[i]?.toLowerCase() === name) return headers[i + 1]
  }
  return undefined
}
