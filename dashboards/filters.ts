/** `column` among the values chosen in `variable`; nothing is filtered, and no list sent, while All is chosen. */
const chosen = (column: string, variable: string): string =>
  `$__conditionalAll(${column} IN (\${${variable}:singlequote}), $${variable})`

export const OF_ROUTE = chosen('route', 'route')
export const OF_TASK = chosen('task', 'task')
export const OF_MODEL = chosen('model', 'model')
export const OF_TEAM = chosen('team', 'team')
/** For table traces, whose model is that of the last attempt. */
export const OF_TARGET_MODEL = chosen('target_model', 'model')

/** Of what a routing audit mirrors, the quality dashboard tells: each request of it goes to every model. */
const ofShadow = (column: string): string => `${chosen(column, 'shadow')} AND NOT startsWith(${column}, 'audit:')`

export const OF_SHADOW = ofShadow('shadow')
/** For pairs, whose comparison is a shadow or a rollout. */
export const OF_COMPARISON = ofShadow('comparison')
/** The one that is chosen, of those that have no All. */
export const OF_ROLLOUT = 'rollout IN (${rollout:singlequote})'
export const OF_ROLLOUT_EVENT = 'subject IN (${rollout:singlequote})'
export const OF_ONE_TASK = 'task IN (${one_task:singlequote})'
export const OF_EVALUATOR = 'evaluator IN (${evaluator:singlequote})'

/** Whether the provider may bill a call, as `mayBeBilled` of domain/exchange-totals.ts. */
export const MAY_BE_BILLED = "(may_have_run OR (outcome IN ('completed', 'interrupted', 'cancelled') AND status < 400))"

/** Of traces: the questions of audits go the way of the traffic, and are no evidence about it. */
export const NO_AUDIT = "tags['audit'] != 'golden'"

/** Calls made to answer a client; the others are the cost of watching. */
export const FOR_CLIENTS = "role IN ('primary', 'fallback', 'cascade')"

/** As v_recent_errors: a request that its client left is no failure. */
export const FAILED_REQUESTS = 'sum(requests) - sum(completed) - sum(cancelled)'

/** `sum` as a number, and NULL rather than 0 where none of its rows was priced. */
export const dollars = (cost: string, priced: string): string => `if(${priced} = 0, NULL, toFloat64(${cost}))`

/** Percentile of a rollup's state: 1 is the 50th, 2 the 95th, 3 the 99th. NULL where there is none. */
export function percentile(state: string, index: 1 | 2 | 3): string {
  const merged = `quantilesTDigestMerge(0.5, 0.95, 0.99)(${state})[${index}]`
  return `if(isFinite(${merged}), ${merged}, NULL)`
}
