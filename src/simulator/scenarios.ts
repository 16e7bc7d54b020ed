import type { FaultChance } from './model.ts'

/** What a provider goes through for a while. */
export type Scenario = {
  /** For whoever asks what there is. */
  readonly says: string
  /** One after the other, then from the start again; from the moment it is put on. */
  readonly phases: readonly [Phase, ...Phase[]]
}

/** `forMs`: how long it lasts. At most one of `faults` befalls a request. */
export type Phase = { readonly forMs: number; readonly faults: readonly FaultChance[] }

export const SCENARIO_NAMES = [
  'outage',
  'dead',
  'brown-out',
  'rate-limit-storm',
  'slow-first-token',
  'flapping',
  'error-in-first-frame',
  'context-window',
  'refusal',
  'invalid-json',
] as const
export type ScenarioName = (typeof SCENARIO_NAMES)[number]

/** The troubles that providers have, by the faults of `faults.ts`. */
export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  outage: always('Every request is answered 500.', 'status@500'),
  dead: always('Every connection is reset before a byte of an answer.', 'reset'),
  'brown-out': lasting('Of ten requests three find no room (503) and two are answered after 3 s.', [
    { fault: 'status@503', probability: 0.3 },
    { fault: 'latency@3000', probability: 0.2 },
  ]),
  'rate-limit-storm': always('Every request is answered 429, to come again in 5 s.', 'status@429, retry-after@5'),
  'slow-first-token': always('The first token comes after 15 s.', 'ttft@15000'),
  flapping: {
    says: 'Down (500) for 2 s, well for 2 s, and so on.',
    phases: [
      { forMs: 2_000, faults: [{ fault: 'status@500', probability: 1 }] },
      { forMs: 2_000, faults: [] },
    ],
  },
  'error-in-first-frame': always('Streams begin with status 200, and with an error as their first event.', 'error@0'),
  'context-window': always('Every prompt is too long for the model (400).', 'context-window'),
  refusal: always('The model declines, with status 200.', 'refusal'),
  'invalid-json': always('Where JSON is asked for, it breaks off in the middle.', 'broken-json'),
}

function always(says: string, fault: string): Scenario {
  return lasting(says, [{ fault, probability: 1 }])
}

function lasting(says: string, faults: readonly FaultChance[]): Scenario {
  return { says, phases: [{ forMs: Infinity, faults }] }
}
