import type { ChangeAnswer } from '../domain/changes/change-request.ts'
import type { WeightsWish } from '../domain/changes/change-weights.ts'
import type { WeightsView } from '../domain/changes/weights-view.ts'
import type { AdminPorts } from './ports.ts'
import { queryFault, wholeNumber } from './query.ts'
import { errorReply } from './reply.ts'
import type { AdminRequest, Handler, Reply } from './reply.ts'
import { fromStore } from './traces.ts'
import { decodeUtf8 } from './utf8.ts'
import { feedbackJson, tagOf, weightsJson } from './weights-json.ts'

const EXPECTED =
  'Expected {"weights": {"<target>": 1}, "pins": ["<target>"], "tasks": {"<task>": {"<target>": 1}}, "reason": "…"}'
const LONGEST_REASON = 1_000
const MOST_CHANGES = 1_000

/** `GET /admin/weights`: `{"routes": […]}`, every route with weights; see `weightsJson` and `feedbackJson`. */
export function listWeights(ports: AdminPorts): Handler {
  return () => {
    const { routes } = ports.feedback()
    const json = ports.weights().map((view) => ({
      ...weightsJson(view),
      feedback: feedbackJson(routes.find(({ route }) => route === view.route)),
    }))
    return { status: 200, json: { routes: json } }
  }
}

/** `GET /admin/weights/:id`: one route of the above, its tag in `etag`. */
export function showWeights(ports: AdminPorts): Handler {
  return ({ id }) => {
    const view = ports.weights().find(({ route }) => route === id)
    if (view !== undefined) return weightsReply(view)
    const known = ports.weights().map(({ route }) => route)
    return errorReply(404, 'not_found', `No route with weights has this name. Known: ${known.join(', ') || 'none'}.`)
  }
}

/**
 * `PUT /admin/weights/:id`, the body `{"weights", "pins", "tasks", "reason"}`, each optional: weights by target key (what is not
 * named stays, and no task has weights of its own any more), pins in place of those there are, weights of single tasks, each
 * of every target, likewise. In force here at once and on every other proxy within seconds. 200 with
 * the route and `stored`, false while ClickHouse is away; 404 unknown route, 422 `invalid_weights`, 412 `conflict` where
 * `if-match` names another tag than the route has, 503 where that cannot be told.
 */
export function setWeights(ports: AdminPorts): Handler {
  return async (request) => {
    if (request.contentType.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
      return errorReply(415, 'unsupported_type', 'Expected content-type application/json.')
    }
    const read = readWish(decodeUtf8(request.body) ?? '')
    if (typeof read === 'string') return errorReply(400, 'bad_request', read)
    return changed(ports, request, read.wish, read.reason)
  }
}

/** `DELETE /admin/weights/:id?reason=`: back to the file; answers as `setWeights`. */
export function resetWeights(ports: AdminPorts): Handler {
  return async (request) => {
    const fault = queryFault(request.query, ['reason'])
    if (fault !== undefined) return errorReply(400, 'bad_request', fault)
    return changed(ports, request, undefined, request.query.get('reason') ?? '')
  }
}

/** `GET /admin/changes`: `{"changes": [rows of config_changes]}`, newest first; `route`, `limit` (1–1000, 50). */
export function listChanges(ports: AdminPorts): Handler {
  return async ({ query, signal }) => {
    const fault = queryFault(query, ['route', 'limit'])
    if (fault !== undefined) return errorReply(400, 'bad_request', fault)
    const limit = wholeNumber(query, 'limit', { min: 1, max: MOST_CHANGES, otherwise: 50 })
    if (limit.kind === 'bad') return errorReply(400, 'bad_request', limit.message)
    const route = query.get('route') ?? undefined
    return fromStore(await ports.changes({ route, limit: limit.value }, signal), (rows) => ({
      status: 200,
      json: { changes: rows },
    }))
  }
}

async function changed(
  ports: AdminPorts,
  { id: route, actor, ifMatch }: AdminRequest,
  wish: WeightsWish | undefined,
  reason: string,
): Promise<Reply> {
  const change = { route, wish, actor, reason: reason.slice(0, LONGEST_REASON), ifMatch }
  const answer = await ports.changeWeights(change)
  return answer.kind === 'applied' ? applied(ports, route, answer.isStored) : refusal(answer)
}

function applied(ports: AdminPorts, route: string, isStored: boolean): Reply {
  const view = ports.weights().find((each) => each.route === route)
  // The file was edited meanwhile, and the route is gone.
  if (view === undefined) return errorReply(404, 'not_found', 'The route is gone from the file by now.')
  return weightsReply(view, { stored: isStored })
}

/** Why nothing was changed. */
export function refusal(answer: Exclude<ChangeAnswer, { kind: 'applied' }>): Reply {
  switch (answer.kind) {
    case 'refused':
      return answer.isUnknownRoute
        ? errorReply(404, 'not_found', answer.fault)
        : errorReply(422, 'invalid_weights', answer.fault)
    case 'conflict':
      return errorReply(412, 'conflict', `Another change came first: expected tag "${answer.found}" in if-match.`)
    case 'unavailable':
      return errorReply(503, 'store_unavailable', `Nothing was changed: ${answer.detail}.`, { 'retry-after': '5' })
  }
}

function weightsReply(view: WeightsView, more: { readonly stored?: boolean } = {}): Reply {
  const json = weightsJson(view)
  return { status: 200, json: { ...json, ...more }, headers: { etag: `"${tagOf(view.last)}"` } }
}

type Wish = { readonly wish: WeightsWish; readonly reason: string }

/** What the body asks for, or what is wrong with it. */
function readWish(text: string): Wish | string {
  const value = parse(text)
  if (!isRecord(value)) return `${EXPECTED}, found no JSON object.`
  const { weights = {}, pins, tasks, reason = '', ...rest } = value
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) return `${EXPECTED}, found another field.`
  if (typeof reason !== 'string') return `${EXPECTED}, found a reason that is no text.`
  const numbers = numbersIn(weights)
  if (typeof numbers === 'string') return `${EXPECTED}, found ${numbers}.`
  if (tasks !== undefined && !isRecord(tasks)) return `${EXPECTED}, found tasks that are no object.`
  const ofTasks = Object.entries(tasks ?? {}).map(([task, own]) => [task, numbersIn(own)] as const)
  const wrong = ofTasks.map(([, own]) => own).find((own) => typeof own === 'string')
  if (wrong !== undefined) return `${EXPECTED}, found ${wrong}.`
  if (pins !== undefined && !(Array.isArray(pins) && pins.every((pin) => typeof pin === 'string'))) {
    return `${EXPECTED}, found pins that are no list of targets.`
  }
  if (Object.keys(numbers).length === 0 && pins === undefined && tasks === undefined) {
    return `${EXPECTED}, found neither weights nor pins.`
  }
  const read = ofTasks.flatMap(([task, own]) => (typeof own === 'string' ? [] : [[task, own] as const]))
  return {
    wish: {
      weights: numbers,
      pins: pins === undefined ? undefined : pins.map(String),
      ...(tasks === undefined ? {} : { tasks: Object.fromEntries(read) }),
    },
    reason,
  }
}

/** Numbers by name, or what is wrong with them. */
function numbersIn(value: unknown): Readonly<Record<string, number>> | string {
  if (!isRecord(value)) return 'weights that are no object'
  const entries = Object.entries(value).flatMap(([key, weight]) =>
    typeof weight === 'number' ? [[key, weight] as const] : [],
  )
  if (entries.length < Object.keys(value).length) return 'a weight that is no number'
  return Object.fromEntries(entries)
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
