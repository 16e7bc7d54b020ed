import type { Decision, Refusal } from '../../src/domain/decide.ts'
import { decideRoute } from '../../src/domain/routing/decide-route.ts'
import type { KnownModel } from '../../src/domain/routing/eligible.ts'
import type { Facts } from '../../src/domain/routing/facts.ts'
import type { Overlay } from '../../src/domain/routing/overlay.ts'
import type { HealthView } from '../../src/domain/routing/target-health.ts'
import type { RoutingState } from '../../src/domain/state.ts'
import { configOf } from './a-config.ts'

/** Three openai providers, of which `keyless` has no key of the server's, and one of each other dialect. */
export const ROUTING_PROVIDERS = `providers:
  openai: { dialect: openai, base_url: 'https://a.example', api_key: k1 }
  second: { dialect: openai, base_url: 'https://b.example', api_key: k2 }
  keyless: { dialect: openai, base_url: 'https://c.example' }
  anthropic: { dialect: anthropic, base_url: 'https://d.example', api_key: k3 }
  gemini: { dialect: gemini, base_url: 'https://e.example', api_key: k4 }
`

/** The state of a policy file, its providers added. */
export function aRoutingState(yaml: string, overlay?: Overlay): RoutingState {
  return { policy: configOf(ROUTING_PROVIDERS + yaml).policy, policyVersion: '0123456789abcdef', overlay }
}

/** A plain chat request of nobody in particular. */
export function someFacts(changes: Partial<Facts> = {}): Facts {
  return {
    provider: 'openai',
    dialect: 'openai',
    api: 'chat_completions',
    path: '/openai/v1/chat/completions',
    model: 'gpt-4o',
    routeAsked: undefined,
    headers: {},
    key: '',
    team: undefined,
    user: undefined,
    tags: {},
    labels: { task: 'unknown', taskSource: 'none', complexity: 'unknown', complexitySource: 'none' },
    inputTokens: undefined,
    maxOutputTokens: undefined,
    turn: undefined,
    needs: [],
    isStream: false,
    at: Date.UTC(2026, 10, 20, 12),
    unit: { value: 'u1', source: 'session' },
    ...changes,
  }
}

export const KNOWS_NO_MODEL: KnownModel = () => undefined

/** The decision for `facts`, with every target healthy unless `health` says otherwise. */
export function decided(state: RoutingState, facts: Facts, health: HealthView = {}): Decision | Refusal {
  return decideRoute(facts, state, health, KNOWS_NO_MODEL)
}

/** The targets in order, as keys; none of a refusal. */
export function keysOf(decision: Decision | Refusal): readonly string[] {
  return 'targets' in decision ? decision.targets.map(({ key, provider, model }) => key ?? `${provider}/${model}`) : []
}
