import { aModel, judgeHabits, type SimulatedModel } from '../simulator/model.ts'
import type { DemoPlay } from './demo-stage.ts'

/** A candidate of the demo: what it is like, and what must become of it. */
export type DemoCandidate = {
  /** Of the rollout and of the route alike. */
  readonly name: string
  readonly model: string
  readonly says: string
  /** Of the traffic, beside the others'. */
  readonly weight: number
  /** Whether it has come to its end, by the phase and percentage it is at. */
  readonly isOver: (phase: string) => boolean
  readonly isRight: (phase: string, highestPercent: number) => boolean
}

const isUp = (phase: string): boolean => phase === 'baking' || phase === 'succeeded'
const isBack = (phase: string): boolean => phase === 'rolled_back'

export const DEMO_CANDIDATES: readonly DemoCandidate[] = [
  {
    name: 'summaries',
    model: 'worthy',
    says: 'as good as the lead, and cheaper',
    weight: 3,
    isOver: isUp,
    isRight: (phase) => isUp(phase),
  },
  {
    name: 'support',
    model: 'careless',
    says: '3% of its calls fail, its answers are 10 points worse',
    weight: 2,
    isOver: isBack,
    isRight: (phase) => isBack(phase),
  },
  {
    name: 'research',
    model: 'lesser',
    says: 'its answers are 5 points worse',
    weight: 1,
    isOver: isBack,
    isRight: (phase, highestPercent) => !isUp(phase) && highestPercent <= 25,
  },
  {
    name: 'search',
    model: 'sluggish',
    says: 'as good, and slow',
    weight: 1,
    isOver: isBack,
    isRight: (phase) => isBack(phase),
  },
]

/** The judge gives a right answer 1 and a wrong one 1/4: a point of score is 4/3 of being right. */
const RIGHT = 0.96
const pointsWorse = (points: number): number => RIGHT - ((points / 100) * 4) / 3

const LEAD: Partial<SimulatedModel> = {
  speaks: ['openai'],
  firstByteMs: 15,
  firstTokenMs: 20,
  jitter: 0.3,
  quality: RIGHT,
  outputTokens: { min: 12, max: 30 },
}

const MODELS: readonly SimulatedModel[] = [
  aModel('lead', LEAD),
  aModel('worthy', LEAD),
  aModel('careless', { ...LEAD, quality: pointsWorse(10), faults: [{ fault: 'status@500', probability: 0.03 }] }),
  aModel('lesser', { ...LEAD, quality: pointsWorse(5) }),
  // Slower than a busy machine makes the first calls of the lead, by which it is told what slow is.
  aModel('sluggish', { ...LEAD, firstByteMs: 2_500, firstTokenMs: 2_550 }),
  aModel('judge', { speaks: ['openai'], judges: judgeHabits() }),
]

/** An hour passes in less than half a second. */
const SPEED = 8_000

/** What an operator would write, but for the speed. */
export const CANDIDATES_PLAY: DemoPlay = {
  models: MODELS,
  config: (simulatorUrl) => `log: { level: info, requests: false }
decider: { tick: 500ms, speed: ${SPEED} }
providers:
  openai:
    dialect: openai
    base_url: ${simulatorUrl}
    include_usage: true
    api_key: sk-demo
prices:
  - { model: lead, input: 2.5, output: 10 }
  - { model: judge, input: 0.1, output: 0.4 }
  - { model: '*', input: 0.15, output: 0.6 }
judge:
  target: openai/judge
  budget: { per_hour: 100, per_day: 100 }
  max_concurrent: 16
  max_queued: 5000
routes:
${DEMO_CANDIDATES.map(({ name }) => `  ${name}: { match: { tags: { feature: ${name} } }, target: openai/lead }`).join('\n')}
rollouts:
${DEMO_CANDIDATES.map(
  ({ name, model }) => `  ${name}:
    route: ${name}
    candidate: openai/${model}
    shadow: false
    steps: [{ percent: 10%, success_margin: 3% }, 25%, 50%]
    guardrails: [error, timeout, slow]
    scored: 100%
    trust_judge: true`,
).join('\n')}
`,
}
