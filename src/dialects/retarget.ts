import type { Api, PathFacts } from '../domain/request.ts'
import type { ModelFacts } from '../domain/routing/route.ts'
import { adaptBody } from './adapt-body.ts'
import { allEdits, type Change } from './body-change.ts'
import { type Edit, edited, replacing } from './edit-json.ts'
import { readString, type ScannedObject, scanObject, skipValue } from './json-scan.ts'
import { walkArray, walkBudget } from './json-walk.ts'
import { retargetPath } from './retarget-path.ts'

/** A call as the client made it, ready to be sent on: `path` with its query, the body decoded. */
export type AskedCall = {
  readonly api: Api
  readonly path: string
  readonly inPath: PathFacts | undefined
  readonly body: Buffer
}

export type RetargetedCall = {
  readonly path: string
  /** The very same buffer where nothing in it changes. */
  readonly body: Buffer
  /**
   * What was done to please the model, for the record: `max_tokens_clamped:16384`, `thinking_budget_clamped:1023`,
   * `renamed:max_tokens`, `dropped:temperature`, `role:developer`. The model's own name is not among them.
   */
  readonly adaptations: readonly string[]
}

/**
 * The same call for another model of the same dialect: the model's name in path and body, and, with the model's
 * `facts`, what it would refuse clamped, renamed or left out. All other bytes stay as they are, order and white space
 * included. `model` undefined: as the client asked. Without facts nothing but the name changes, and what the provider
 * refuses is its to say (decision 4). A body that is no JSON object stays as it is.
 */
export function retarget(call: AskedCall, model: string | undefined, facts: ModelFacts | undefined): RetargetedCall {
  const path = model === undefined ? call.path : retargetPath(call.path, call.inPath, model)
  const body = scanObject(call.body)
  if (body === undefined) return { path, body: call.body, adaptations: [] }
  const change: Change = {
    api: call.api,
    bytes: call.body,
    body,
    dropped: new Set(),
    opened: new Map(),
    edits: [],
    adaptations: [],
  }
  if (model !== undefined) setModel(change, model, call.inPath !== undefined)
  if (facts !== undefined) adaptBody(change, facts)
  return { path, body: edited(call.body, allEdits(change)), adaptations: change.adaptations }
}

/** Every `model` at the top, so that it does not matter which of two a server takes. */
function setModel({ api, bytes, body, edits }: Change, model: string, isInPath: boolean): void {
  const isGemini = api === 'generate_content' || api === 'embed_content' || (api === 'count_tokens' && isInPath)
  const name = isGemini && !model.includes('/') ? `models/${model}` : model
  const isNamed = renameModel(bytes, body, name, edits)
  if (!isNamed && !isInPath) {
    const at = bytes.indexOf('{') + 1
    edits.push({ start: at, end: at, text: `"model":${JSON.stringify(name)}${body.members.length === 0 ? '' : ','}` })
  }
  if (isGemini) for (const inner of innerRequests(bytes, body)) renameModel(bytes, inner, name, edits)
}

/** Whether the object names a model at all. */
function renameModel(bytes: Buffer, object: ScannedObject, name: string, edits: Edit[]): boolean {
  const named = object.members.filter(({ key }) => key === 'model')
  for (const member of named) {
    if (readString(bytes, member.value) !== name) edits.push(replacing(member, JSON.stringify(name)))
  }
  return named.length > 0
}

/** Requests inside a Gemini body, each of which names the model again: of a batch, or one whose tokens are counted. */
function innerRequests(bytes: Buffer, body: ScannedObject): readonly ScannedObject[] {
  const found: ScannedObject[] = []
  const add = (_: Buffer, at: number): number => {
    const inner = scanObject(bytes, at)
    if (inner !== undefined) found.push(inner)
    return skipValue(bytes, at)
  }
  for (const { key, value } of body.members) {
    if (key === 'requests') walkArray(bytes, value.start, { budget: walkBudget() }, add)
    else if (key === 'generateContentRequest') add(bytes, value.start)
  }
  return found
}
