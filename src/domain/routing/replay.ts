import type { Decision, Refusal } from '../decide.ts'
import type { ArmPin, DealtArm } from '../rollout/arm-pin.ts'
import type { RoutingState } from '../state.ts'
import { decideRoute } from './decide-route.ts'
import type { KnownModel } from './eligible.ts'
import type { Facts, LabelSource, StickyUnit } from './facts.ts'
import { NEEDS, type Complexity } from './route.ts'
import { type HealthView, TARGET_HEALTH } from './target-health.ts'
import type { Api, Dialect } from '../request.ts'

/** What one decision rested on besides policy and overlay, of which the trace has version and revision. */
export type DecisionInputs = { readonly facts: Facts; readonly health: HealthView }

/**
 * The inputs as one text for the trace's row, in the form of a URL's query: no quotes, which the row's own JSON would have
 * to escape one by one, and nothing that says no more than its absence. Of the targets those that were not healthy.
 * The dialect comes last, a word of a few: of a text that was cut short it is not there.
 */
export function writeInputs({ facts, health }: DecisionInputs): string {
  const { labels, unit, stored, headers, tags, needs, armPins } = facts
  let text = `provider=${encoded(facts.provider)}&api=${facts.api}&path=${encoded(facts.path)}&key=${encoded(facts.key)}`
  text += `&at=${facts.at}&unit=${encoded(unit.value)}&unit_source=${unit.source}`
  if (facts.model !== undefined) text += `&model=${encoded(facts.model)}`
  if (facts.routeAsked !== undefined) text += `&route_asked=${encoded(facts.routeAsked)}`
  if (facts.team !== undefined) text += `&team=${encoded(facts.team)}`
  if (facts.user !== undefined) text += `&user=${encoded(facts.user)}`
  if (labels.task !== 'unknown') text += `&task=${encoded(labels.task)}`
  if (labels.taskSource !== 'none') text += `&task_source=${labels.taskSource}`
  if (labels.complexity !== 'unknown') text += `&complexity=${labels.complexity}`
  if (labels.complexitySource !== 'none') text += `&complexity_source=${labels.complexitySource}`
  if (facts.inputTokens !== undefined) text += `&input_tokens=${facts.inputTokens}`
  if (facts.maxOutputTokens !== undefined) text += `&max_output_tokens=${facts.maxOutputTokens}`
  if (facts.turn !== undefined) text += `&turn=${facts.turn}`
  if (needs.length > 0) text += `&needs=${needs.join(',')}`
  if (facts.isStream) text += '&stream=true'
  if (stored !== undefined) text += `&stored=${encoded(stored.provider ?? '')}`
  for (const { rollout, epoch, arm } of armPins ?? []) text += `&pin.${encoded(rollout)}=${epoch}:${arm}`
  for (const name of Object.keys(headers)) text += `&header.${encoded(name)}=${encoded(headers[name] ?? '')}`
  for (const name of Object.keys(tags)) text += `&tag.${encoded(name)}=${encoded(tags[name] ?? '')}`
  for (const [key, state] of Object.entries(health)) {
    if (state !== 'healthy') text += `&health.${encoded(key)}=${state}`
  }
  return `${text}&dialect=${facts.dialect}`
}

/** What needs no escape in a query, nor in JSON. */
const PLAIN = /^[\w./:*,@~-]*$/

/** Half a surrogate pair is replaced, as everywhere in a row, targets included. */
function encoded(text: string): string {
  return PLAIN.test(text) ? text : encodeURIComponent(text.toWellFormed())
}

/** The inputs that `writeInputs` wrote; undefined for anything else: half a row must not decide as if it were a whole one. */
export function readInputs(text: string): DecisionInputs | undefined {
  const fields = fieldsOf(text)
  if (fields === undefined) return undefined
  const take = (name: string): string | undefined => {
    const value = fields.get(name)
    fields.delete(name)
    return value
  }
  const [provider, path, key, value] = [take('provider'), take('path'), take('key'), take('unit')]
  const dialect = oneOf(take('dialect'), DIALECTS)
  const api = oneOf(take('api'), APIS)
  const at = numberOf(take('at'))
  const unitSource = oneOf(take('unit_source'), UNIT_SOURCES)
  const taskSource = oneOf(take('task_source') ?? 'none', SOURCES)
  const complexity = oneOf(take('complexity') ?? 'unknown', COMPLEXITIES)
  const complexitySource = oneOf(take('complexity_source') ?? 'none', SOURCES)
  const isStream = oneOf(take('stream') ?? 'false', BOOLEANS)
  const needs = (take('needs')?.split(',') ?? []).map((need) => oneOf(need, NEEDS))
  const numbers = OPTIONAL_NUMBERS.map((name) => optionalNumber(take(name)))
  const keeper = take('stored')
  const rest = {
    model: take('model'),
    routeAsked: take('route_asked'),
    team: take('team'),
    user: take('user'),
    stored: keeper === undefined ? undefined : { provider: keeper === '' ? undefined : keeper },
  }
  const task = take('task') ?? 'unknown'
  const [headers, tags] = [takeRecord(fields, 'header.'), takeRecord(fields, 'tag.')]
  const health = readHealth(takeRecord(fields, 'health.'))
  const armPins = readPins(takeRecord(fields, 'pin.'))
  if (fields.size > 0 || health === undefined || armPins === undefined || dialect === undefined || api === undefined)
    return undefined
  if (provider === undefined || path === undefined || key === undefined || at === undefined) return undefined
  if (value === undefined || unitSource === undefined || taskSource === undefined) return undefined
  if (complexity === undefined || complexitySource === undefined || isStream === undefined) return undefined
  if (!needs.every((need) => need !== undefined) || !numbers.every((one) => one !== 'unreadable')) return undefined
  const [inputTokens, maxOutputTokens, turn] = numbers
  const labels = { task, taskSource, complexity, complexitySource }
  const unit = { value, source: unitSource }
  const pinned = armPins.length === 0 ? {} : { armPins }
  const told = { provider, dialect, api, path, key, at, headers, tags, labels, unit, needs, ...rest, ...pinned }
  return { facts: { ...told, inputTokens, maxOutputTokens, turn, isStream: isStream === 'true' }, health }
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
const ARMS: readonly DealtArm[] = ['candidate', 'control', 'stable']
const BOOLEANS = ['true', 'false'] as const
const OPTIONAL_NUMBERS = ['input_tokens', 'max_output_tokens', 'turn'] as const

/** The fields by name; undefined where the text is no query, or says one twice. */
function fieldsOf(text: string): Map<string, string> | undefined {
  const fields = new Map<string, string>()
  for (const pair of text.split('&')) {
    const at = pair.indexOf('=')
    const name = decoded(pair.slice(0, Math.max(0, at)))
    const value = decoded(pair.slice(at + 1))
    if (at < 1 || name === undefined || value === undefined || fields.has(name)) return undefined
    fields.set(name, value)
  }
  return fields
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Takes the fields out whose names begin so, by what follows. */
function takeRecord(fields: Map<string, string>, prefix: string): Readonly<Record<string, string>> {
  const own = [...fields].filter(([name]) => name.startsWith(prefix))
  for (const [name] of own) fields.delete(name)
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]))
}

function readHealth(stored: Readonly<Record<string, string>>): HealthView | undefined {
  const entries = Object.entries(stored).map(([key, state]) => [key, oneOf(state, TARGET_HEALTH)] as const)
  const known = entries.flatMap(([key, state]) => (state === undefined ? [] : [[key, state] as const]))
  return known.length === entries.length ? Object.fromEntries(known) : undefined
}

function readPins(stored: Readonly<Record<string, string>>): readonly ArmPin[] | undefined {
  const pins = Object.entries(stored).flatMap(([rollout, text]): readonly ArmPin[] => {
    const [epoch, arm] = [numberOf(text.slice(0, text.indexOf(':'))), oneOf(text.slice(text.indexOf(':') + 1), ARMS)]
    return epoch === undefined || arm === undefined ? [] : [{ rollout, epoch, arm }]
  })
  return pins.length === Object.keys(stored).length ? pins : undefined
}

function oneOf<T extends string>(value: string | undefined, known: readonly T[]): T | undefined {
  return known.find((candidate) => candidate === value)
}

/** Only as it is written: of another text, half a number may be left. */
function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && text !== 'NaN' && String(Number(text)) === text ? Number(text) : undefined
}

function optionalNumber(text: string | undefined): number | undefined | 'unreadable' {
  return text === undefined ? undefined : (numberOf(text) ?? 'unreadable')
}
