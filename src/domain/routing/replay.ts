import type { Decision, Refusal } from '../decide.ts'
import type { RoutingState } from '../state.ts'
import { decideRoute } from './decide-route.ts'
import type { KnownModel } from './eligible.ts'
import type { Facts, LabelSource, StickyUnit, StoredState } from './facts.ts'
import { NEEDS, type Complexity } from './route.ts'
import type { HealthView, TargetHealth } from './target-health.ts'
import type { Api, Dialect } from '../request.ts'

/** What one decision rested on besides policy and overlay, of which the trace has version and revision. */
export type DecisionInputs = { readonly facts: Facts; readonly health: HealthView }

/** The inputs as one line of JSON, for the trace's row. Only targets that were not healthy are named. */
export function writeInputs({ facts, health }: DecisionInputs): string {
  const ill = Object.entries(health).filter(([, state]) => state !== 'healthy')
  return JSON.stringify({ facts, health: Object.fromEntries(ill) })
}

/** The inputs that `writeInputs` wrote; undefined for anything else. */
export function readInputs(text: string): DecisionInputs | undefined {
  const stored = parse(text)
  const facts = isRecord(stored) ? readFacts(stored['facts']) : undefined
  const health = isRecord(stored) ? readHealth(stored['health']) : undefined
  return facts === undefined || health === undefined ? undefined : { facts, health }
}

/**
 * Decides again from a stored row: `state` is the policy of its version with the overlay of its revision. Undefined where
 * the row does not hold inputs.
 */
export function replay(text: string, state: RoutingState, knownModel: KnownModel): Decision | Refusal | undefined {
  const inputs = readInputs(text)
  return inputs === undefined ? undefined : decideRoute(inputs.facts, state, inputs.health, knownModel)
}

const DIALECTS: readonly Dialect[] = ['openai', 'anthropic', 'gemini']
const APIS: readonly Api[] = [
  'chat_completions',
  'responses',
  'completions',
  'embeddings',
  'messages',
  'count_tokens',
  'generate_content',
  'embed_content',
  'passthrough',
]
const SOURCES: readonly LabelSource[] = ['header', 'rule', 'none']
const COMPLEXITIES: readonly Complexity[] = ['simple', 'moderate', 'complex', 'unknown']
const UNIT_SOURCES: readonly StickyUnit['source'][] = ['session', 'conversation', 'first_turn', 'user', 'none']
const OPTIONAL_TEXTS = ['model', 'routeAsked', 'team', 'user'] as const
const OPTIONAL_NUMBERS = ['inputTokens', 'maxOutputTokens', 'turn'] as const
const HEALTH: readonly TargetHealth[] = ['healthy', 'degraded', 'open', 'throttled', 'probing']

function readFacts(stored: unknown): Facts | undefined {
  if (!isRecord(stored) || !isRecord(stored['labels']) || !isRecord(stored['unit'])) return undefined
  const { labels, unit } = stored
  const dialect = oneOf(stored['dialect'], DIALECTS)
  const api = oneOf(stored['api'], APIS)
  const taskSource = oneOf(labels['taskSource'], SOURCES)
  const complexity = oneOf(labels['complexity'], COMPLEXITIES)
  const complexitySource = oneOf(labels['complexitySource'], SOURCES)
  const unitSource = oneOf(unit['source'], UNIT_SOURCES)
  const [headers, tags] = [texts(stored['headers']), texts(stored['tags'])]
  const provider = text(stored['provider'])
  const path = text(stored['path'])
  const key = text(stored['key'])
  const at = number(stored['at'])
  const task = text(labels['task'])
  const value = text(unit['value'])
  if (dialect === undefined || api === undefined || provider === undefined || path === undefined) return undefined
  if (key === undefined || at === undefined || headers === undefined || tags === undefined) return undefined
  if (task === undefined || taskSource === undefined || complexity === undefined) return undefined
  if (complexitySource === undefined || unitSource === undefined || value === undefined) return undefined
  const keeper = storedState(stored['stored'])
  if (keeper === undefined && stored['stored'] !== undefined) return undefined
  const needs = Array.isArray(stored['needs']) ? stored['needs'].map((need) => oneOf(need, NEEDS)) : [undefined]
  if (!needs.every((need) => need !== undefined) || typeof stored['isStream'] !== 'boolean') return undefined
  // Of another type than was written: half a row must not decide as if it were a whole one.
  if (!OPTIONAL_TEXTS.every((field) => stored[field] === undefined || text(stored[field]) !== undefined))
    return undefined
  if (!OPTIONAL_NUMBERS.every((field) => stored[field] === undefined || number(stored[field]) !== undefined))
    return undefined
  return {
    provider,
    dialect,
    api,
    path,
    model: text(stored['model']),
    routeAsked: text(stored['routeAsked']),
    headers,
    key,
    team: text(stored['team']),
    user: text(stored['user']),
    tags,
    labels: { task, taskSource, complexity, complexitySource },
    inputTokens: number(stored['inputTokens']),
    maxOutputTokens: number(stored['maxOutputTokens']),
    turn: number(stored['turn']),
    needs,
    isStream: stored['isStream'],
    at,
    unit: { value, source: unitSource },
    stored: keeper,
  }
}

function storedState(stored: unknown): StoredState | undefined {
  if (!isRecord(stored)) return undefined
  const provider = text(stored['provider'])
  return provider === undefined && stored['provider'] !== undefined ? undefined : { provider }
}

function readHealth(stored: unknown): HealthView | undefined {
  if (!isRecord(stored)) return undefined
  const entries = Object.entries(stored).map(([key, state]) => [key, oneOf(state, HEALTH)] as const)
  const known = entries.flatMap(([key, state]) => (state === undefined ? [] : [[key, state] as const]))
  return known.length === entries.length ? Object.fromEntries(known) : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function oneOf<T extends string>(value: unknown, known: readonly T[]): T | undefined {
  return known.find((candidate) => candidate === value)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function texts(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isRecord(value)) return undefined
  const entries = Object.entries(value)
  const known = entries.flatMap(([name, item]) => (typeof item === 'string' ? [[name, item] as const] : []))
  return known.length === entries.length ? Object.fromEntries(known) : undefined
}
