import type { Policy } from '../domain/policy.ts'
import type { Shadow } from '../domain/shadow/shadow.ts'

export type Features = { readonly on: readonly string[]; readonly off: readonly string[] }

/** What a policy has the proxy do beyond passing calls on and recording them, by name, and what it leaves off. */
export function describeFeatures({ routing, shadows, rollouts, scoring, audits }: Policy): Features {
  // Rollouts and routing audits bring shadows of their own, which are on and off with them.
  const ofTheFile = shadows.filter(({ rollout, audit }) => rollout === undefined && audit === undefined)
  const ofAudits = shadows.filter(({ audit }) => audit !== undefined)
  const shown = ({ name, isEnabled }: Shadow): string => (isEnabled ? name : `${name} (off)`)
  const judge = scoring?.judge
  const all: readonly (readonly [kind: string, names: readonly string[]])[] = [
    ['routes', routing.routes.map(({ name }) => name)],
    ['shadows', ofTheFile.map(shown)],
    [
      'rollouts',
      rollouts.map(({ name, asked: { state } }) =>
        state === 'running' ? name : `${name} (${state.replace('_', ' ')})`,
      ),
    ],
    ['judge', judge === undefined ? [] : [`${judge.provider}/${judge.model}`]],
    ['evaluators', (scoring?.liveShare ?? 0) === 0 ? [] : ['on live answers']],
    [
      'feedback',
      routing.routes.flatMap(({ name, feedback }) => (feedback === undefined ? [] : [`${name} (${feedback.mode})`])),
    ],
    ['audits', [...audits.map(({ name }) => name), ...ofAudits.map(shown)]],
  ]
  return {
    on: all.flatMap(([kind, names]) => (names.length === 0 ? [] : [`${kind} ${names.join(', ')}`])),
    off: all.flatMap(([kind, names]) => (names.length === 0 ? [kind] : [])),
  }
}
