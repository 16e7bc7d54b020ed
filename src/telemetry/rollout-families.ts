import type { Check, Claim } from '../domain/rollout/assess.ts'
import { sharesOf } from '../domain/rollout/phase.ts'
import type { RolloutReport, RolloutView } from '../domain/rollout/rollout-view.ts'
import type { Reading, SourceFamily } from './source-family.ts'

/** Where rollouts stand and what their evidence says. Series are as many as the rollouts that the operator wrote. */
export function rolloutFamilies(report: () => RolloutReport): readonly SourceFamily[] {
  const each = (read: (view: RolloutView) => readonly Reading[]): (() => readonly Reading[]) => {
    return () => report().views.flatMap(read)
  }
  const claims = (read: (claim: Claim) => number): (() => readonly Reading[]) => {
    return each(({ rollout, looked }) =>
      (looked?.transition.checks ?? []).flatMap((check) => claimReadings(rollout.name, check, read)),
    )
  }
  return [
    {
      type: 'gauge',
      name: 'understudy_rollout_phase',
      help: '1 for the phase in which a rollout is: draft, shadow, ramping, baking, paused, holding, succeeded, rolled_back, aborted, superseded.',
      labelNames: ['rollout', 'phase'],
      read: each(({ rollout, state }) => (state === undefined ? [] : [[[rollout.name, state.phase.kind], 1]])),
    },
    {
      type: 'gauge',
      name: 'understudy_rollout_percent',
      help: 'Share of the units that the candidate answers, in percent.',
      labelNames: ['rollout'],
      read: each(({ rollout, state }) =>
        state === undefined ? [] : [[[rollout.name], 100 * sharesOf(state.phase).candidate]],
      ),
    },
    {
      type: 'gauge',
      name: 'understudy_rollout_log_e',
      help: 'ln E of a claim (harm, or non_inferior) as of the last look of this instance; shown once it reaches its threshold.',
      labelNames: ['rollout', 'guardrail', 'task', 'claim'],
      read: claims(({ logE }) => logE),
    },
    {
      type: 'gauge',
      name: 'understudy_rollout_log_e_threshold',
      help: 'ln E from which on a claim is taken for shown.',
      labelNames: ['rollout', 'guardrail', 'task', 'claim'],
      read: claims(({ threshold }) => threshold),
    },
    {
      type: 'gauge',
      name: 'understudy_rollout_alert',
      help: '1 while the last look says that somebody should be told.',
      labelNames: ['rollout'],
      read: each(({ rollout, looked }) =>
        looked === undefined ? [] : [[[rollout.name], Number(looked.transition.isAlert)]],
      ),
    },
    {
      type: 'gauge',
      name: 'understudy_rollout_unstored_changes',
      help: 'Changes made here that ClickHouse has not been told of yet.',
      labelNames: ['rollout'],
      read: each(({ rollout, waiting }) => [[[rollout.name], waiting]]),
    },
    {
      type: 'gauge',
      name: 'understudy_rollout_decider',
      help: '1 where this instance is the one that decides.',
      labelNames: [],
      read: () => [[[], Number(report().isDecider)]],
    },
    {
      type: 'counter',
      name: 'understudy_rollout_decisions_total',
      help: 'Looks at rollouts by what they came to.',
      labelNames: ['rollout', 'action', 'rule'],
      read: () => report().decisions.map(({ key, count }): Reading => [key, count]),
    },
  ]
}

function claimReadings(
  rollout: string,
  { guardrail, task, harm, nonInferior }: Check,
  read: (claim: Claim) => number,
): readonly Reading[] {
  return [
    ...(harm === undefined ? [] : [[[rollout, guardrail, task, 'harm'], read(harm)] as const]),
    ...(nonInferior === undefined ? [] : [[[rollout, guardrail, task, 'non_inferior'], read(nonInferior)] as const]),
  ]
}
