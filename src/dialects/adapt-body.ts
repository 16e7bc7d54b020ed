import type { ModelFacts } from '../domain/routing/route.ts'
import { type Change, opened } from './body-change.ts'
import { renaming, replacing } from './edit-json.ts'
import { type FieldPlace, placesOf } from './field-places.ts'
import { countAt, memberOf, readString, scanObject, skipValue } from './json-scan.ts'
import { walkArray, walkBudget } from './json-walk.ts'

/** Clamps, renames or takes out what a model of these facts would refuse. */
export function adaptBody(change: Change, { maxOutputTokens, refuses }: ModelFacts): void {
  for (const field of refuses) {
    if (field.startsWith('role:')) replaceRole(change, field.slice('role:'.length))
    else if (field.startsWith('thinking:')) replaceThinking(change, field.slice('thinking:'.length))
    else if (!rename(change, field)) drop(change, field)
  }
  if (maxOutputTokens !== undefined) clamp(change, maxOutputTokens)
}

/** Two names of one limit: a model that refuses one takes the other. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['max_tokens', 'max_completion_tokens'],
  ['max_completion_tokens', 'max_tokens'],
])

/** False where there is nothing to rename to, or something of that name already. */
function rename({ api, bytes, body, edits, adaptations }: Change, field: string): boolean {
  const other = OTHER_NAMES.get(field)
  if (api !== 'chat_completions' || other === undefined || memberOf(body, other) !== undefined) return false
  const members = body.members.filter(({ key }) => key === field)
  for (const member of members) edits.push(renaming(bytes, member, other))
  if (members.length > 0) adaptations.push(`renamed:${field}`)
  return true
}

/** The limits on output that other APIs know by another name are never refused for that. */
function drop(change: Change, field: string): void {
  if (OTHER_NAMES.has(field) && change.api !== 'chat_completions') return
  let isDropped = false
  for (const place of placesOf(change.api, field)) isDropped = dropAt(change, place) || isDropped
  if (isDropped) change.adaptations.push(`dropped:${field}`)
}

function dropAt(change: Change, [key, inner]: FieldPlace): boolean {
  const { body, dropped } = change
  const before = dropped.size
  for (const member of body.members) {
    if (member.key !== key) continue
    if (inner === undefined) dropped.add(member)
    else for (const held of opened(change, member)?.members ?? []) if (held.key === inner) dropped.add(held)
  }
  return dropped.size > before
}

const LIMITS: ReadonlySet<string> = new Set(['max_tokens', 'max_completion_tokens', 'max_output_tokens'])
const GEMINI_LIMITS: ReadonlySet<string> = new Set(['maxOutputTokens', 'max_output_tokens'])

function clamp(change: Change, most: number): void {
  const { bytes, body, edits, adaptations, dropped } = change
  const kept = body.members.filter((member) => !dropped.has(member))
  const inConfig = kept
    .filter(({ key }) => key === 'generationConfig' || key === 'generation_config')
    .flatMap((member) => opened(change, member)?.members ?? [])
  const limits = [...kept.filter(({ key }) => LIMITS.has(key)), ...inConfig.filter(({ key }) => GEMINI_LIMITS.has(key))]
  const beyond = limits.filter(({ value }) => (countAt(bytes, value) ?? 0) > most)
  if (beyond.length === 0) return
  for (const member of beyond) edits.push(replacing(member, String(most)))
  adaptations.push(`max_tokens_clamped:${most}`)
  clampThinking(change, most)
}

/** "budget_tokens: must be ≥ 1024 and less than max_tokens" (platform.claude.com/docs/api/messages). */
const LEAST_BUDGET = 1024

function clampThinking(change: Change, most: number): void {
  const { bytes, body, edits, adaptations, dropped } = change
  for (const member of body.members) {
    const isReplaced = edits.some(({ start }) => start === member.value.start)
    if (member.key !== 'thinking' || dropped.has(member) || isReplaced) continue
    const thinking = opened(change, member)
    const budget = thinking === undefined ? undefined : memberOf(thinking, 'budget_tokens')
    if (budget === undefined || (countAt(bytes, budget.value) ?? 0) < most) continue
    if (most - 1 < LEAST_BUDGET) {
      dropped.add(member)
      adaptations.push('dropped:thinking')
    } else {
      edits.push(replacing(budget, String(most - 1)))
      adaptations.push(`thinking_budget_clamped:${most - 1}`)
    }
  }
}

/** What says to the model what the application wants: the two names of one role. */
const OTHER_ROLES: ReadonlyMap<string, string> = new Map([
  ['developer', 'system'],
  ['system', 'developer'],
])

function replaceRole({ api, bytes, body, edits, adaptations }: Change, role: string): void {
  const other = OTHER_ROLES.get(role)
  if (other === undefined || (api !== 'chat_completions' && api !== 'responses')) return
  let isReplaced = false
  for (const { key, value } of body.members) {
    if (key !== 'messages' && key !== 'input') continue
    walkArray(bytes, value.start, { budget: walkBudget() }, (_, at) => {
      for (const member of scanObject(bytes, at)?.members ?? []) {
        if (member.key !== 'role' || readString(bytes, member.value) !== role) continue
        edits.push(replacing(member, JSON.stringify(other)))
        isReplaced = true
      }
      return skipValue(bytes, at)
    })
  }
  if (isReplaced) adaptations.push(`role:${role}`)
}

/**
 * Claude takes `enabled` up to 4.6 and `adaptive` from 4.6 on (platform.claude.com/docs, "Adaptive thinking"). A budget
 * becomes the model's own judgement; the other way round there is no budget to give, and the model answers at once.
 */
function replaceThinking(change: Change, kind: string): void {
  const { bytes, body, edits, adaptations, dropped } = change
  for (const member of body.members) {
    const thinking = member.key === 'thinking' ? opened(change, member) : undefined
    const type = thinking === undefined ? undefined : memberOf(thinking, 'type')
    if (type === undefined || readString(bytes, type.value) !== kind) continue
    if (kind === 'enabled') {
      edits.push(replacing(member, '{"type":"adaptive"}'))
      adaptations.push('thinking:adaptive')
    } else {
      dropped.add(member)
      adaptations.push('dropped:thinking')
    }
  }
}
