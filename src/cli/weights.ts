import Table from 'cli-table3'
import type { Config } from '../domain/policy.ts'
import { type AnswerFormat, answerJson } from './answer-format.ts'
import { type JsonRow, recordIn, rowsIn, textIn } from './json-rows.ts'
import { plainText } from './print-rows.ts'
import { reachText } from './reach-text.ts'
import { askAdmin } from './read-admin.ts'
import { requireRunning, type Running } from './run-file.ts'
import { tableText } from './table-text.ts'
import type { Terminal } from './terminal.ts'

export type ChangeOptions = { readonly reason: string; readonly actor: string }

/** Prints the weights of every route: those of the file, those in force, of tasks too, who changed them, and of feedback. */
export async function listWeights({ print }: Terminal, config: Config, format: AnswerFormat): Promise<number> {
  const routes = rowsIn(await askAdmin(await running(config), '/admin/weights', {}), 'routes')
  if (format === 'json') {
    print(answerJson(routes))
    return 0
  }
  if (routes.length === 0) print('No route has weights.')
  else print(weightsTable(routes))
  for (const line of routes.flatMap(feedbackLines)) print(line)
  return 0
}

/** Changes weights of a route; `pairs` as `openai/gpt-5=20`. What is not named stays as it is. */
export async function setWeights(
  terminal: Terminal,
  config: Config,
  route: string,
  pairs: readonly string[],
  options: ChangeOptions,
): Promise<number> {
  const weights = Object.fromEntries(pairs.map(readPair))
  return put(terminal, await running(config), route, { weights, reason: options.reason }, options)
}

/** Adds pins, so that nothing automatic moves these targets, or takes them away. */
export async function pinTargets(
  terminal: Terminal,
  config: Config,
  route: string,
  { targets, isPinned }: { readonly targets: readonly string[]; readonly isPinned: boolean },
  options: ChangeOptions,
): Promise<number> {
  const proxy = await running(config)
  const now = recordOf(await askAdmin(proxy, pathOf(route), {}))
  const before = listIn(now, 'pins').filter((pin) => !targets.includes(pin))
  const pins = isPinned ? [...before, ...targets] : before
  return put(terminal, proxy, route, { pins, reason: options.reason }, options)
}

/** Back to the weights of the file. */
export async function resetWeights(
  { print }: Terminal,
  config: Config,
  route: string,
  { reason, actor }: ChangeOptions,
): Promise<number> {
  const path = `${pathOf(route)}?${new URLSearchParams({ reason }).toString()}`
  const answer = await askAdmin(await running(config), path, { method: 'DELETE', headers: actorHeader(actor) })
  for (const line of changedLines(recordOf(answer))) print(line)
  return 0
}

/** Prints who changed what, when and why; of one route, or of all. */
export async function showHistory(
  { print }: Terminal,
  config: Config,
  route: string | undefined,
  limit: number,
): Promise<number> {
  const query = new URLSearchParams({ limit: String(limit), ...(route === undefined ? {} : { route }) })
  const changes = rowsIn(await askAdmin(await running(config), `/admin/changes?${query.toString()}`, {}), 'changes')
  if (changes.length === 0) print('Nothing was changed.')
  else print(historyTable(changes))
  return 0
}

function running({ boot }: Config): Promise<Running> {
  return requireRunning(boot, 'weights of one that is to be started stand in its config file')
}

async function put(
  { print }: Terminal,
  proxy: Running,
  route: string,
  body: Readonly<Record<string, unknown>>,
  { actor }: ChangeOptions,
): Promise<number> {
  const answer = await askAdmin(proxy, pathOf(route), {
    method: 'PUT',
    headers: { 'content-type': 'application/json', ...actorHeader(actor) },
    body: JSON.stringify(body),
  })
  for (const line of changedLines(recordOf(answer))) print(line)
  return 0
}

function changedLines(route: JsonRow | undefined): readonly string[] {
  if (route === undefined) return []
  return [weightsTable([route]), reachText(route['stored'] === true)]
}

function weightsTable(routes: readonly JsonRow[]): string {
  const table = new Table({
    head: ['route', 'target', 'file', 'in force', 'of tasks', 'changed'],
    style: { head: [], border: [] },
  })
  for (const route of routes) {
    const weights = recordIn(route, 'weights')
    const pins = listIn(route, 'pins')
    const targets = Object.keys(weights ?? {})
    const column = (cell: (target: string) => string): string => targets.map(cell).join('\n')
    const ownOf = (target: string): string =>
      Object.keys(recordIn(route, 'tasks') ?? {})
        .map((task) => `${plainText(task)} ${textIn(recordIn(recordIn(route, 'tasks'), task), target)}`)
        .join(', ')
    table.push([
      `${textIn(route, 'route')} (${textIn(route, 'strategy')})`,
      column((target) => target),
      column((target) => textIn(recordIn(route, 'base'), target)),
      column((target) => `${textIn(weights, target)}${pins.includes(target) ? ' pinned' : ''}`),
      column(ownOf),
      route['live'] === true ? changedBy(recordIn(route, 'last_change')) : '',
    ])
  }
  return tableText(table)
}

/** What the feedback loop of that proxy last knew. */
function feedbackLines(route: JsonRow): readonly string[] {
  const feedback = recordIn(route, 'feedback')
  if (feedback === undefined) return []
  const [mode, verdict, detail] = ['mode', 'verdict', 'detail'].map((key) => plainText(textIn(feedback, key)))
  return [`${textIn(route, 'route')}: feedback ${mode}, ${verdict}. ${detail}`]
}

function changedBy(change: JsonRow | undefined): string {
  const reason = textIn(change, 'reason')
  return `${textIn(change, 'at')} ${textIn(change, 'actor')}${reason === '' ? '' : `: ${reason}`}`
}

function historyTable(changes: readonly JsonRow[]): string {
  const table = new Table({
    head: ['revision', 'at', 'route', 'what', 'before', 'after', 'who', 'why', 'policy'],
    style: { head: [], border: [] },
  })
  for (const change of changes) {
    table.push([
      ...['revision', 'at', 'subject', 'kind'].map((column) => textIn(change, column)),
      weightsText(textIn(change, 'before')),
      weightsText(textIn(change, 'after')),
      ...['actor', 'reason', 'policy_version'].map((column) => textIn(change, column)),
    ])
  }
  return tableText(table)
}

/** Weights and pins as the store has them, line by line. */
function weightsText(json: string): string {
  const value: unknown = JSON.parse(json)
  const pins = listIn(recordOf(value), 'pins')
  return Object.entries(recordIn(value, 'weights') ?? {})
    .map(([target, weight]) => `${target} ${String(weight)}${pins.includes(target) ? ' pinned' : ''}`)
    .join('\n')
}

function readPair(text: string): readonly [string, number] {
  const [, target, weight] = /^(.+)=(\d+(?:\.\d+)?)$/.exec(text) ?? []
  if (target === undefined) throw new Error(`expected <target>=<weight> such as openai/gpt-5=20, found ${text}`)
  return [target, Number(weight)]
}

function pathOf(route: string): string {
  return `/admin/weights/${encodeURIComponent(route)}`
}

function actorHeader(actor: string): Readonly<Record<string, string>> {
  return actor === '' ? {} : { 'x-understudy-actor': actor }
}

function recordOf(answer: unknown): JsonRow | undefined {
  return recordIn({ answer }, 'answer')
}

function listIn(row: JsonRow | undefined, key: string): readonly string[] {
  const list = row?.[key]
  return Array.isArray(list) ? list.map(String) : []
}
