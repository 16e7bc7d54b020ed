import { describe, expect, it } from 'vitest'
import { policyJson } from '../../src/admin/policy-json.ts'
import { describeRollout } from '../../src/config/describe-rollout.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { PACES } from '../../src/domain/rollout/pace.ts'
import type { Phase } from '../../src/domain/rollout/phase.ts'
import type { Rollout } from '../../src/domain/rollout/rollout.ts'
import { isMirroring, isOfShadow } from '../../src/domain/shadow/shadow-switch.ts'
import type { Shadow } from '../../src/domain/shadow/shadow.ts'
import { at, withRollouts } from '../fakes/a-rolling-state.ts'
import { aRoutingState, decided, someFacts } from '../fakes/a-routing.ts'

const JUDGE = 'judge: { target: openai/gpt-5.1, budget: { per_hour: 1, per_day: 10 } }\n'
const ROUTE = 'routes: { chat: { match: { model: gpt-4o }, target: openai/gpt-4o } }\n'

/** The policy of a rollout in three lines, with `more` keys of its own and `rest` of the file. */
function policyOf(more = '', rest = JUDGE): Policy {
  const entry = `{ route: chat, candidate: openai/gpt-4o-mini, pace: normal${more === '' ? '' : `, ${more}`} }`
  return aRoutingState(`${ROUTE}rollouts: { mini: ${entry} }\n${rest}`).policy
}

function rolloutOf(more?: string, rest?: string): Rollout {
  const [rollout] = policyOf(more, rest).rollouts
  if (rollout === undefined) throw new Error('the file has a rollout')
  return rollout
}

function impliedShadow(more?: string, rest?: string): Shadow | undefined {
  return policyOf(more, rest).shadows.find(({ name }) => name === 'rollout:mini')
}

describe('three lines', () => {
  it('are a whole rollout at the usual pace, which runs by itself', () => {
    expect(rolloutOf()).toEqual({
      name: 'mini',
      route: 'chat',
      stable: { key: 'openai/gpt-4o', provider: 'openai', model: 'gpt-4o' },
      candidate: { key: 'openai/gpt-4o-mini', provider: 'openai', model: 'gpt-4o-mini' },
      salt: 'rollout:mini',
      identity: expect.stringMatching(/^[\da-f]{16}$/),
      plan: PACES.normal,
      badEvents: ['error', 'timeout', 'refusal', 'schema', 'tool', 'slow'],
      tasksApart: [],
      alphaPromote: 0.05,
      alphaRollback: 0.05,
      staleAfterMs: 900_000,
      harmWhilePaused: 'rollback',
      isJudgeTrustWaived: false,
      metric: 'judge',
      scoredShare: 0.25,
      shadow: 'rollout:mini',
      asked: { state: 'running', promoteTo: undefined },
    })
  })

  it('go by feedback where there is no judge, and so have no shadow, whose answers nobody sees', () => {
    expect(rolloutOf('', '')).toMatchObject({ metric: 'feedback', plan: { ...PACES.normal, shadow: undefined } })
    expect(impliedShadow('', '')).toBeUndefined()
  })

  it('have evaluators look at the compared answers, where the file says nothing of scores', () => {
    expect(policyOf('', '').scoring).toEqual({ liveShare: 0, judge: undefined, minimum: new Map() })
    expect(aRoutingState(ROUTE).policy.scoring).toBeUndefined()
  })

  it('are said in full by check and by the admin port', () => {
    expect(describeRollout(rolloutOf('state: paused'))).toBe(
      'mini on chat: openai/gpt-4o → openai/gpt-4o-mini by shadow, 5%, 25%, 50%, a bake of 1d; quality by judge; paused',
    )
    expect(policyJson(policyOf('promote_to: 25%'))).toMatchObject({
      rollouts: [
        {
          name: 'mini',
          stable: 'openai/gpt-4o',
          candidate: 'openai/gpt-4o-mini',
          shadow: { name: 'rollout:mini', quality_margin: 0.03 },
          steps: [{ percent: 5, quality_margin: 0.1 }, { percent: 25 }, { percent: 50, dwell_ms: 86_400_000 }],
          promote_to: 25,
        },
      ],
    })
  })
})

describe('what the file says stands in the place of what the pace says', () => {
  it('a step without margins has those of the pace at its percentage, or the next above', () => {
    const { steps } = rolloutOf(
      'steps: [5%, 7%, { percent: 60%, quality_margin: 4%, dwell: 1h, approval: required }]',
    ).plan
    expect(steps).toEqual([
      { ...PACES.normal.steps[0], percent: 5 },
      { ...PACES.normal.steps[1], percent: 7 },
      {
        ...PACES.normal.steps[2],
        percent: 60,
        qualityMargin: 0.04,
        qualityMarginByTask: {},
        dwellMs: 3_600_000,
        needsApproval: true,
      },
    ])
  })

  it('an approval that is given lets it go on', () => {
    expect(rolloutOf('steps: [{ percent: 5%, approval: given }]').plan.steps[0]?.needsApproval).toBe(false)
  })

  it('a longer stay than the pace would wait for is not overdue before it is over', () => {
    const { plan } = rolloutOf('bake: 10d, steps: [{ percent: 5%, dwell: 9d }]')
    expect(plan.bake.maxDurationMs).toBe(plan.bake.durationMs)
    expect(plan.steps[0]?.maxDurationMs).toBe(plan.steps[0]?.dwellMs)
  })
})

describe('the identity, of which the evidence is', () => {
  const identity = rolloutOf().identity

  it('changes with the candidate, the stable target, the salt, the judge and the metric', () => {
    const others = [
      aRoutingState(`${ROUTE}rollouts: { mini: { route: chat, candidate: openai/other } }\n${JUDGE}`).policy
        .rollouts[0],
      aRoutingState(
        `${ROUTE.replace('openai/gpt-4o', 'openai/o')}rollouts: { mini: { route: chat, candidate: openai/gpt-4o-mini } }\n${JUDGE}`,
      ).policy.rollouts[0],
      rolloutOf('salt: other'),
      rolloutOf('', JUDGE.replace('gpt-5.1', 'gpt-5.2')),
      rolloutOf('', JUDGE.replace('budget', 'parameters: { temperature: 0 }, budget')),
      rolloutOf('metric: valid_json'),
    ].map((rollout) => rollout?.identity)
    expect(new Set([identity, ...others]).size).toBe(others.length + 1)
  })

  it('is the same whatever percentages, margins, times and states are edited', () => {
    for (const more of ['steps: [1%, 2%]', 'bake: 1h', 'state: paused', 'alpha_promote: 1%', 'scored: 100%']) {
      expect(rolloutOf(more).identity).toBe(identity)
    }
    expect(rolloutOf('', JUDGE.replace('per_day: 10', 'per_day: 20')).identity).toBe(identity)
  })
})

it('the salt is never that of another draw of the same request', () => {
  expect(rolloutOf('salt: judge').salt).toBe('rollout:judge')
})

describe('the shadow that a rollout brings along', () => {
  it('mirrors a quarter of its requests to its candidate, for a dollar an hour, unless the file says otherwise', () => {
    expect(impliedShadow()).toMatchObject({
      rollout: 'mini',
      candidates: [{ key: 'openai/gpt-4o-mini' }],
      sample: 0.25,
      aaShare: 0.1,
      budget: { perHour: 1_000_000_000_000n, perDay: 10_000_000_000_000n },
    })
    expect(impliedShadow('shadow: { sample: 5%, budget: { per_hour: 0.5, per_day: 2 } }')).toMatchObject({
      sample: 0.05,
      budget: { perHour: 500_000_000_000n, perDay: 2_000_000_000_000n },
    })
  })

  it('is not there without a shadow stage, after the end, or where the file tries the candidate already', () => {
    expect(impliedShadow('shadow: false')).toBeUndefined()
    expect(impliedShadow('state: aborted')).toBeUndefined()
    const filed =
      'shadows: { own: { sample: 1%, candidates: openai/gpt-4o-mini, budget: { per_hour: 1, per_day: 1 } } }\n'
    expect(impliedShadow('', JUDGE + filed)).toBeUndefined()
    expect(rolloutOf('', JUDGE + filed).shadow).toBe('own')
    const off = filed.replace('sample', 'enabled: false, sample')
    expect(rolloutOf('', JUDGE + off).shadow).toBe('rollout:mini')
  })

  it.each<[string, Phase, boolean]>([
    ['in the shadow', { kind: 'shadow' }, true],
    ['held in the shadow', { kind: 'holding', at: { kind: 'shadow' }, reason: 'coverage' }, true],
    ['paused in the shadow', { kind: 'paused', at: { kind: 'shadow' } }, false],
    ['at a step', at(5), false],
    ['as a draft', { kind: 'draft' }, false],
    ['rolled back', { kind: 'rolled_back', cause: 'error', cooldownUntil: 0 }, false],
  ])('mirrors while the rollout is %s: %#', (_, phase, isOn) => {
    const shadow = impliedShadow()
    if (shadow === undefined) throw new Error('there is one')
    const state = withRollouts({ policy: policyOf(), policyVersion: '' }, { mini: phase })
    expect(isMirroring(shadow, state)).toBe(isOn)
  })

  it('concerns the requests of its route alone', () => {
    const shadow = impliedShadow()
    if (shadow === undefined) throw new Error('there is one')
    const state = withRollouts({ policy: policyOf(), policyVersion: '' }, { mini: { kind: 'shadow' } })
    expect(isOfShadow(shadow, decided(state, someFacts()))).toBe(true)
    expect(isOfShadow(shadow, decided(state, someFacts({ model: 'gpt-4' })))).toBe(false)
  })
})
