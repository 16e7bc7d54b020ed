import type { Verb } from '../domain/rollout/command.ts'
import type { RolloutAnswer } from '../domain/rollout/rollout-view.ts'
import type { AdminPorts } from './ports.ts'
import { queryFault, wholeNumber } from './query.ts'
import { errorReply } from './reply.ts'
import type { Handler, Reply } from './reply.ts'
import { estimateJson, explanationJson, rolloutJson, tagOf } from './rollouts-json.ts'
import { fromStore } from './traces.ts'

const LONGEST_REASON = 1_000
const MOST_ROWS = 1_000
/** Each has all that it went by: on a busy route some hundred kilobytes. */
const MOST_DECISIONS = 100

/** `GET /admin/rollouts`: `{"rollouts": […], "decider"}`, every rollout of the file; see `rolloutJson`. */
export function listRollouts({ rollouts }: AdminPorts): Handler {
  return () => ({
    status: 200,
    json: { rollouts: rollouts.views().map(rolloutJson), decider: rollouts.isDecider() },
  })
}

/** `GET /admin/rollouts/:id`: one of the above, with `explanation`: why it is where it is, and what it still needs. */
export function showRollout({ rollouts }: AdminPorts): Handler {
  return async ({ id }) => {
    const view = rollouts.views().find(({ rollout }) => rollout.name === id)
    if (view === undefined) return unknown(rollouts.views().map(({ rollout }) => rollout.name))
    const explained = await rollouts.explain(id)
    const explanation = explained === undefined ? null : explanationJson(explained)
    return { status: 200, json: { ...rolloutJson(view), explanation }, headers: { etag: `"${tagOf(view)}"` } }
  }
}

/** `GET /admin/rollouts/:id/events`: `{"events": [rows of rollout_events]}`, newest first; `limit` (1–1000, 50). */
export function listRolloutEvents({ rollouts }: AdminPorts): Handler {
  return async ({ id, query, signal }) => {
    const limit = limitOf(query, { max: MOST_ROWS, otherwise: 50 })
    if (typeof limit !== 'number') return limit
    return fromStore(await rollouts.events(id, limit, signal), (rows) => ({ status: 200, json: { events: rows } }))
  }
}

/** `GET /admin/rollouts/:id/decisions`: `{"decisions": [rows of rollout_decisions]}`, newest first; `limit` (1–100, 20). */
export function listRolloutDecisions({ rollouts }: AdminPorts): Handler {
  return async ({ id, query, signal }) => {
    const limit = limitOf(query, { max: MOST_DECISIONS, otherwise: 20 })
    if (typeof limit !== 'number') return limit
    return fromStore(await rollouts.decisions(id, limit, signal), (rows) => ({
      status: 200,
      json: { decisions: rows },
    }))
  }
}

/** `GET /admin/rollouts/:id/estimate`: days to 100 % at the traffic of the last days, at each pace. */
export function estimateRollout({ rollouts }: AdminPorts): Handler {
  return async ({ id, signal }) => {
    const answer = await rollouts.estimate(id, signal)
    if (answer === undefined) return unknown(rollouts.views().map(({ rollout }) => rollout.name))
    return fromStore(answer, (estimate) => ({ status: 200, json: estimateJson(estimate) }))
  }
}

/**
 * `POST /admin/rollouts/:id/<verb>?reason=`, and `to=full` for `promote`: in force here at once and on every other proxy
 * within seconds. 200 with the rollout and `stored`, false while ClickHouse is away (pause, rollback and abort work without
 * it); 404 unknown, 409 `refused` where the verb makes no sense just now, 412 `conflict` where `if-match` names another
 * revision than its last, 503 where that cannot be told.
 */
export function changeRollout({ rollouts }: AdminPorts, kind: Exclude<Verb['kind'], 'supersede'>): Handler {
  return async ({ id, actor, query, ifMatch }) => {
    const fault = queryFault(query, kind === 'promote' ? ['reason', 'to'] : ['reason'])
    if (fault !== undefined) return errorReply(400, 'bad_request', fault)
    const to = query.get('to') ?? 'step'
    if (to !== 'step' && to !== 'full') return errorReply(400, 'bad_request', 'to: expected step or full.')
    const verb: Verb = kind === 'promote' ? { kind, to } : { kind }
    const reason = (query.get('reason') ?? '').slice(0, LONGEST_REASON)
    const answer = await rollouts.change({ name: id, verb, actor, reason, ifMatch })
    if (answer.kind !== 'applied') return refusal(answer)
    const view = rollouts.views().find(({ rollout }) => rollout.name === id)
    // The file was edited meanwhile, and the rollout is gone.
    if (view === undefined) return errorReply(404, 'not_found', 'The rollout is gone from the file by now.')
    return {
      status: 200,
      json: { ...rolloutJson(view), stored: answer.isStored },
      headers: { etag: `"${tagOf(view)}"` },
    }
  }
}

function refusal(answer: Exclude<RolloutAnswer, { kind: 'applied' }>): Reply {
  switch (answer.kind) {
    case 'refused':
      return errorReply(409, 'refused', answer.because)
    case 'unknown':
      return unknown(answer.known)
    case 'conflict':
      return errorReply(412, 'conflict', `Another change came first: expected revision "${answer.found}" in if-match.`)
    case 'unavailable':
      return errorReply(503, 'store_unavailable', `Nothing was changed: ${answer.detail}.`, { 'retry-after': '5' })
  }
}

function unknown(known: readonly string[]): Reply {
  return errorReply(404, 'not_found', `No rollout has this name. Known: ${known.join(', ') || 'none'}.`)
}

function limitOf(query: URLSearchParams, most: { readonly max: number; readonly otherwise: number }): number | Reply {
  const fault = queryFault(query, ['limit'])
  if (fault !== undefined) return errorReply(400, 'bad_request', fault)
  const limit = wholeNumber(query, 'limit', { min: 1, ...most })
  return limit.kind === 'bad' ? errorReply(400, 'bad_request', limit.message) : limit.value
}
