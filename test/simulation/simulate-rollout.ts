import { armOf, comparedShares, unitShare } from '../../src/domain/assign.ts'
import { advance } from '../../src/domain/rollout/advance.ts'
import { command, create } from '../../src/domain/rollout/command.ts'
import { livePhaseOf, sharesOf, stageName } from '../../src/domain/rollout/phase.ts'
import type { Rollout } from '../../src/domain/rollout/rollout.ts'
import { applyEvent, fold, type RolloutState } from '../../src/domain/rollout/rollout-state.ts'
import { createDraws, type Draws } from './draws.ts'
import type { Scenario } from './scenario.ts'
import { createStage, type Item, type StageEvidence } from './stage-evidence.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** How one simulated rollout went. */
export type Run = {
  readonly outcome: 'succeeded' | 'rolled_back' | 'undecided'
  /** Hours until the candidate had 100 %; undefined where it never did. */
  readonly hoursToFull: number | undefined
  /** Hours until the end of the run. */
  readonly hours: number
  readonly cause: string | undefined
  /** Where it stood at the end, or when it was rolled back. */
  readonly lastStage: string
  /** Requests that the candidate answered for users. */
  readonly exposed: number
}

/** A rollout from its creation to its end on a virtual clock, decided every minute by the product's own code. */
export function simulateRollout(scenario: Scenario, seed: number): Run {
  const draws = createDraws(seed)
  const traffic = createTraffic(scenario, draws, `salt-${seed}`)
  const rollout = rolloutOf(scenario, `salt-${seed}`)
  let state = started(rollout)
  let stage = createStage()
  let hoursToFull: number | undefined
  let lastStage = 'draft'
  let now = 0
  while (now < scenario.horizonMs) {
    const live = livePhaseOf(state.phase)
    if (live === undefined) break
    lastStage = stageName(live)
    traffic.minute(now, state, stage)
    now += MINUTE_MS
    const { next } = advance(rollout, state, stage.read(state, now), now)
    if (next.enteredAt !== state.enteredAt) {
      stage = createStage()
      traffic.stageBegins()
    }
    state = next
    if (state.phase.kind === 'baking') hoursToFull ??= now / 3_600_000
  }
  const { phase } = state
  return {
    outcome: phase.kind === 'succeeded' || phase.kind === 'rolled_back' ? phase.kind : 'undecided',
    hoursToFull,
    hours: now / 3_600_000,
    cause: phase.kind === 'rolled_back' ? phase.cause : undefined,
    lastStage,
    exposed: traffic.exposed(),
  }
}

function rolloutOf({ plan }: Scenario, salt: string): Rollout {
  return {
    name: 'simulated',
    route: 'chat',
    stable: { key: 'one/stable', provider: 'one', model: 'stable' },
    candidate: { key: 'two/candidate', provider: 'two', model: 'candidate' },
    salt,
    identity: 'simulated',
    plan,
    badEvents: ['error', 'slow', 'timeout'],
    tasksApart: [],
    alphaPromote: 0.05,
    alphaRollback: 0.05,
    staleAfterMs: 15 * MINUTE_MS,
    isJudgeTrustWaived: true,
    metric: 'judge',
    scoredShare: 0.25,
    shadow: 'rollout:simulated',
    asked: { state: 'running', promoteTo: undefined },
  }
}

function started(rollout: Rollout): RolloutState {
  const request = { actor: 'simulation', reason: 'start', at: 0 }
  const draft = fold([create(rollout, request)])
  if (draft === undefined) throw new Error('a created rollout has a state')
  const answer = command(rollout, draft, { kind: 'start' }, request)
  if (answer.kind === 'refused') throw new Error(answer.because)
  return applyEvent(draft, answer.event)
}

/** Its share, its own level of score, and what of it has counted in this stage. */
type Unit = {
  readonly share: number
  readonly level: number
  /** By which its calls go wrong more often than the average's. */
  readonly mishaps: number
  isCounted: boolean
  isScored: boolean
}

/** How the scores of stable are spread over the five levels 0, ¼ … 1: mean 0.70, variance 0.06. */
const LEVELS = [0.01, 0.06, 0.28, 0.42, 0.23] as const
const SHADOWED = 0.1

function createTraffic(scenario: Scenario, draws: Draws, salt: string) {
  const { requestsPerUnit, clustering, countsUnits } = scenario
  const likeItself = Math.sqrt(clustering)
  const dropsALevel = scenario.worseBy / (0.25 * (1 - LEVELS[0]))
  let units: Unit[] = []
  let made = 0
  let exposed = 0

  const newUnit = (): Unit => {
    made += 1
    // Who never comes back needs no hash to come out the same.
    const share = requestsPerUnit === 1 ? draws.unit() : unitShare(salt, `unit-${made}`)
    // One unit in ten is behind half of what goes wrong, as some users always ask for what fails.
    const mishaps = clustering === 0 ? 1 : draws.chance(0.1) ? 5.5 : 0.5
    return { share, level: level(draws), mishaps, isCounted: false, isScored: false }
  }
  const scoreOf = (unit: Unit, isCandidate: boolean, swing: number): number => {
    let value = draws.chance(likeItself) ? unit.level : level(draws)
    // Never to the lowest level, from which the candidate could not be worse: its difference stays what it should be.
    if (value > 1 && draws.chance(swing)) value -= 1
    if (isCandidate && value > 0 && draws.chance(dropsALevel)) value -= 1
    return value / 4
  }
  const itemOf = (unit: Unit, arm: Item['arm'], at: number): Item => {
    const isCandidate = arm === 'candidate'
    const wave = (1 - Math.cos((2 * Math.PI * at) / DAY_MS)) / 2
    const errors = isCandidate ? scenario.candidateErrors : scenario.stableErrors
    const hasFailed = draws.chance(errors * unit.mishaps * (1 + 10 * scenario.drift * wave))
    const isSlow = draws.chance(unit.mishaps * (isCandidate ? scenario.candidateSlowShare : scenario.slowShare))
    const isScored = !hasFailed && draws.chance(scenario.scoredShare)
    const delayMs = draws.exponential(scenario.scoreDelayMs)
    const arrivesAt = draws.chance(scenario.missingShare) ? undefined : at + delayMs
    const value = scoreOf(unit, isCandidate, 4 * scenario.drift * wave)
    return { arm, at, hasFailed, isSlow, score: isScored ? { value, arrivesAt } : undefined }
  }

  return {
    exposed: () => exposed,
    stageBegins: () => {
      for (const unit of units) unit.isCounted = unit.isScored = false
    },
    minute: (from: number, state: RolloutState, stage: StageEvidence) => {
      const shares = sharesOf(state.phase)
      const isShadow = livePhaseOf(state.phase)?.kind === 'shadow'
      for (let left = draws.poisson(scenario.requestsPerHour / 60); left > 0; left--) {
        const at = from + draws.unit() * MINUTE_MS
        // A new unit, or one that has come before: on average each comes `requestsPerUnit` times.
        const isNew = units.length === 0 || requestsPerUnit === 1 || draws.chance(1 / requestsPerUnit)
        const unit = isNew ? newUnit() : (units[Math.floor(draws.unit() * units.length)] ?? newUnit())
        if (isNew && requestsPerUnit > 1) units.push(unit)
        const arm = armOf(unit.share, shares)
        if (isNew) stage.countUnit(arm === 'none' ? 'neither' : arm)
        if (arm === 'candidate') exposed += 1
        if (isShadow && !unit.isCounted && draws.chance(SHADOWED)) {
          addShadowPair(stage, itemOf(unit, 'control', at), scenario, draws)
          unit.isCounted = countsUnits
        }
        const compared = armOf(unit.share, comparedShares(shares))
        if (compared === 'none') continue
        const item = itemOf(unit, compared, at)
        stage.addCall(item, countsUnits ? unit : {})
        if (!unit.isCounted) stage.addSuccess(item)
        if (!unit.isScored) stage.addScore(item)
        unit.isCounted = countsUnits
        unit.isScored = countsUnits && (unit.isScored || item.score !== undefined)
      }
      if (units.length > 20_000) units = units.slice(-10_000)
    },
  }
}

/** Both models on one prompt: mostly the same score, so that the variance of d is 0.03; the candidate's lower by what it is worse. */
function addShadowPair(stage: StageEvidence, control: Item, scenario: Scenario, draws: Draws): void {
  const hasFailed = draws.chance(scenario.candidateErrors)
  const candidate: Item = { ...control, arm: 'candidate', hasFailed, isSlow: false }
  if (control.score === undefined || hasFailed) {
    for (const item of [control, candidate]) {
      stage.addCall(item, item)
      stage.addSuccess(item)
    }
    return
  }
  const noise = draws.unit()
  const step = noise < 0.24 ? 0.25 : noise < 0.48 ? -0.25 : 0
  const drop = draws.chance(scenario.worseBy / 0.25) ? 0.25 : 0
  const value = Math.min(1, Math.max(0, 0.5 + step - drop))
  for (const item of [
    { ...control, score: { ...control.score, value: 0.5 } },
    { ...candidate, score: { ...control.score, value } },
  ]) {
    stage.addCall(item, item)
    stage.addSuccess(item)
    stage.addScore(item)
  }
}

function level(draws: Draws): number {
  let left = draws.unit()
  for (const [index, share] of LEVELS.entries()) {
    left -= share
    if (left < 0) return index
  }
  return LEVELS.length - 1
}
