import Table from 'cli-table3'
import type { Config } from '../domain/policy.ts'
import { type AnswerFormat, answerJson } from './answer-format.ts'
import { timeText } from '../domain/rollout/explain.ts'
import { type JsonRow, recordIn, rowsIn, textIn } from './json-rows.ts'
import { reachText } from './reach-text.ts'
import { askAdmin } from './read-admin.ts'
import { requireRunning, type Running } from './run-file.ts'
import { tableText } from './table-text.ts'
import type { Terminal } from './terminal.ts'

export type VerbOptions = { readonly reason: string; readonly actor: string; readonly full?: boolean }

/** Prints every rollout of the running proxy: where it stands, since when, and who said so. */
export async function listRollouts({ print }: Terminal, config: Config, format: AnswerFormat): Promise<number> {
  const rollouts = rowsIn(await askAdmin(await running(config), '/admin/rollouts', {}), 'rollouts')
  if (format === 'json') print(answerJson(rollouts))
  else if (rollouts.length === 0) print('The config has no rollouts.')
  else print(rolloutsTable(rollouts))
  return 0
}

/** Prints one rollout with what the next look would decide and its latest history. */
export async function showRollout({ print }: Terminal, config: Config, name: string): Promise<number> {
  const proxy = await running(config)
  const rollout = await askAdmin(proxy, pathOf(name), {})
  print(rolloutsTable([recordOf(rollout)]))
  for (const line of explanationLines(rollout)) print(line)
  print('')
  print(historyTable(rowsIn(await askAdmin(proxy, `${pathOf(name)}/events?limit=20`, {}), 'events')))
  return 0
}

/** Prints why a rollout is where it is, and what it still needs. */
export async function explainRollout({ print }: Terminal, config: Config, name: string): Promise<number> {
  const rollout = recordOf(await askAdmin(await running(config), pathOf(name), {}))
  const [headline = '', ...lines] = explanationLines(rollout)
  print(headline)
  // Where nothing moves any more, what counts is who ended it and why.
  if (rollout['stage'] === null) print(`  ${textIn(rollout, 'changed_at')} ${changedBy(rollout)}`)
  for (const line of lines) print(line)
  return 0
}

/** Asks for a verb; prints where the rollout stands then. */
export async function changeRollout(
  { print }: Terminal,
  config: Config,
  name: string,
  verb: string,
  { reason, actor, full }: VerbOptions,
): Promise<number> {
  const query = new URLSearchParams({ reason, ...(full === true ? { to: 'full' } : {}) })
  const answer = await askAdmin(await running(config), `${pathOf(name)}/${verb}?${query.toString()}`, {
    method: 'POST',
    headers: actor === '' ? {} : { 'x-understudy-actor': actor },
  })
  const rollout = recordOf(answer)
  print(rolloutsTable([rollout]))
  print(reachText(rollout['stored'] === true))
  return 0
}

/** Prints about how many days an equal candidate takes to 100 % at the traffic of the last week, at each pace. */
export async function estimateRollout({ print }: Terminal, config: Config, name: string): Promise<number> {
  const answer = recordOf(await askAdmin(await running(config), `${pathOf(name)}/estimate`, {}))
  const requests = Math.round(Number(answer['requests_per_day']))
  const units = answer['units_per_day']
  const scored = Math.round(100 * Number(answer['scored_share']))
  print(
    `${requests.toLocaleString('en-US')} requests a day${typeof units === 'number' ? ` of ${Math.round(units).toLocaleString('en-US')} units` : ''}, ${scored}% scored:`,
  )
  const speed = Number(answer['speed'] ?? 1)
  if (speed !== 1)
    print(`Its decider runs at ${speed} times the usual speed (decider.speed): so much shorter are all waits.`)
  const table = new Table({
    head: ['pace', 'to 100 %', 'stage', 'takes', 'pairs', 'bound by'],
    style: { head: [], border: [] },
  })
  for (const pace of rowsIn(answer, 'paces')) {
    const stages = rowsIn(pace, 'stages')
    const column = (cell: (stage: JsonRow) => string): string => stages.map(cell).join('\n')
    table.push([
      textIn(pace, 'pace'),
      daysText(pace['days']),
      column((stage) => textIn(stage, 'stage')),
      column((stage) => daysText(stage['days'])),
      column((stage) => Number(stage['pairs']).toLocaleString('en-US')),
      column((stage) => textIn(stage, 'bound_by')),
    ])
  }
  print(tableText(table))
  return 0
}

function running({ boot }: Config): Promise<Running> {
  return requireRunning(boot, 'what a rollout is to do at a start stands in its config file')
}

function rolloutsTable(rollouts: readonly JsonRow[]): string {
  const table = new Table({
    head: ['rollout', 'route', 'stable → candidate', 'phase', 'candidate', 'since', 'changed'],
    style: { head: [], border: [] },
  })
  for (const rollout of rollouts) {
    table.push([
      textIn(rollout, 'name'),
      textIn(rollout, 'route'),
      `${textIn(rollout, 'stable')} → ${textIn(rollout, 'candidate')}`,
      textIn(rollout, 'phase_text'),
      `${textIn(rollout, 'percent')}%`,
      // A stage is entered; what is over, or has not begun, is so since it was changed.
      textIn(rollout, rollout['stage'] === null ? 'changed_at' : 'entered_at'),
      changedBy(rollout),
    ])
  }
  return tableText(table)
}

function changedBy(rollout: JsonRow): string {
  const reason = textIn(rollout, 'reason')
  return `${textIn(rollout, 'actor')}${reason === '' ? '' : `: ${reason}`}`
}

function explanationLines(rollout: unknown): readonly string[] {
  const explanation = recordIn(rollout, 'explanation')
  if (explanation === undefined) return ['Nothing is known of it here yet.']
  const lines = Array.isArray(explanation['lines']) ? explanation['lines'].map(String) : []
  const readyInMs = explanation['ready_in_ms']
  return [
    textIn(explanation, 'headline'),
    ...lines.map((line) => `  ${line}`),
    ...(typeof readyInMs === 'number' && readyInMs > 0
      ? [`  If all goes on as it has, the stage may be left in ${timeText(readyInMs)}.`]
      : []),
  ]
}

function historyTable(events: readonly JsonRow[]): string {
  const table = new Table({
    head: ['revision', 'at', 'what', 'before', 'after', 'who', 'why'],
    style: { head: [], border: [] },
  })
  const unquoted = (row: JsonRow, column: string): string => textIn(row, column).replaceAll('"', '')
  for (const event of events) {
    table.push([
      ...['revision', 'at', 'kind'].map((column) => textIn(event, column)),
      unquoted(event, 'before'),
      unquoted(event, 'after'),
      ...['actor', 'reason'].map((column) => textIn(event, column)),
    ])
  }
  return tableText(table)
}

function daysText(days: unknown): string {
  return typeof days === 'number' ? timeText(days * 86_400_000) : 'never'
}

function pathOf(name: string): string {
  return `/admin/rollouts/${encodeURIComponent(name)}`
}

function recordOf(answer: unknown): JsonRow {
  return recordIn({ answer }, 'answer') ?? {}
}
