import { expect, it } from 'vitest'
import { type AskRows, replayTraces } from '../../src/compose/replay-traces.ts'
import type { ConfigEvent } from '../../src/domain/changes/config-event.ts'
import { overlayOf, NO_CHANGES } from '../../src/domain/changes/fold-changes.ts'
import { entryOfEvent } from '../../src/domain/changes/journal-entry.ts'
import { writeInputs } from '../../src/domain/routing/replay.ts'
import { aRoutingState, decided, keysOf, someFacts } from '../fakes/a-routing.ts'

const YAML =
  'routes:\n  canary: { targets: [{ target: openai/a, weight: 1 }, { target: second/b, weight: 1 }], feedback: apply }\n'
const BASE = { 'openai/a': 1, 'second/b': 1 }

/** The loop moves weights: those of all traffic to one arm, those of math to the other, to and fro. */
function moved(revision: number): ConfigEvent {
  const [of, all] = revision % 2 === 0 ? ['second/b', 'openai/a'] : ['openai/a', 'second/b']
  const only = (key: string | undefined) => ({ 'openai/a': 0, 'second/b': 0, [key ?? '']: 1 })
  const now = { weights: only(all), pins: [], tasks: { math: only(of) } }
  const by = { instance: 'one', actor: 'understudy', reason: 'decision 1', policyVersion: 'v' }
  const change = { kind: 'weights_set', route: 'canary', base: BASE, ...now } as const
  return {
    id: `id-${revision}`,
    at: revision,
    after: revision - 1,
    ...by,
    change,
    before: { weights: BASE, pins: [] },
    now,
  }
}

it('a trace that went by the weights of its task is decided again by those of its revision, of however many', async () => {
  const many = 1_001
  const entries = Array.from({ length: many }, (_, index) => entryOfEvent(moved(index + 1), index + 1))
  const labels = { task: 'math', taskSource: 'header', complexity: 'unknown', complexitySource: 'none' } as const
  const traces = [many - 1, many].map((revision) => {
    const event = { ...moved(revision), revision }
    const overlay = overlayOf({ ...NO_CHANGES, revision, latest: new Map([['canary', event]]) }, [])
    const state = aRoutingState(YAML, overlay)
    const decision = decided(state, someFacts({ labels }))
    expect([keysOf(decision)[0], overlay.revision]).toEqual([
      revision % 2 === 0 ? 'second/b' : 'openai/a',
      `${revision}`,
    ])
    return {
      ...decision,
      trace_id: `t${revision}`,
      policy_version: 'v',
      overlay_revision: overlay.revision,
      decision_inputs: writeInputs({ facts: someFacts({ labels }), health: {} }),
      rule: '',
      refused: '',
      rejected: 'rejected' in decision ? decision.rejected : [],
    }
  })
  const asked: string[] = []
  const ask: AskRows = async (sql) => {
    asked.push(sql)
    if (sql.includes('FROM config_changes')) {
      const [, after, limit] = /revision > (\d+)\s+ORDER BY .* LIMIT (\d+)/.exec(sql) ?? []
      return entries
        .filter(({ revision }) => revision > Number(after))
        .slice(0, Number(limit))
        .map(({ policyVersion, ...entry }) => ({
          ...entry,
          policy_version: policyVersion,
          revision: String(entry.revision),
          at: String(entry.at),
        }))
    }
    if (sql.includes('FROM policy_versions')) return [{ version: 'v', text: POLICY, variables: [] }]
    if (sql.includes('max(received_at)')) return [{ newest: '2026-01-01 00:00:00' }]
    return sql.includes('FROM traces') ? traces : []
  }
  const report = await replayTraces(ask, { sinceMinutes: 60, limit: 10, environment: {} })
  expect(report).toEqual({ agreed: 2, differing: [], unreplayable: new Map() })
  expect(asked.filter((sql) => sql.includes('config_changes')).length).toBeGreaterThan(2)
})

const POLICY = `providers:
  openai: { dialect: openai, base_url: "http://127.0.0.1:9", api_key: k }
  second: { dialect: openai, base_url: "http://127.0.0.1:9", api_key: k }
${YAML}`
