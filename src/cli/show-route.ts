import Table from 'cli-table3'
import { readFile } from 'node:fs/promises'
import { explanationJson } from '../admin/explanation-json.ts'
import { loadCatalogue } from '../catalogue/load-catalogue.ts'
import { systemWorld } from '../compose.ts'
import type { Loaded } from '../config/load-config.ts'
import { explainRequest } from '../gateway/explain-request.ts'
import { type JsonRow, recordIn, rowsIn, textIn } from './json-rows.ts'
import { askAdmin } from './read-admin.ts'
import { findRunning } from './run-file.ts'
import { tableText } from './table-text.ts'
import type { Terminal } from './terminal.ts'

export type RouteOptions = {
  /** A file with the body of the request, as a client would send it. */
  readonly explain: string
  readonly path: string
  /** `name: value`. */
  readonly header: readonly string[]
}

/**
 * Prints where a request would go and why, calling no model: asked of the running proxy, with its live weights and
 * health, or of the config file where none runs.
 */
export async function showRoute({ print }: Terminal, loaded: Loaded, options: RouteOptions): Promise<number> {
  const text = await readFile(options.explain, 'utf8')
  const body = parseBody(text, options.explain)
  const headers = Object.fromEntries(options.header.map(readHeader))
  const running = await findRunning(loaded.config.boot)
  const answer =
    running === undefined
      ? await explainFromFile(loaded, options.path, headers, text)
      : await askAdmin(running, '/admin/route', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ path: options.path, headers, body }),
        })
  const where =
    running === undefined ? 'No proxy runs; this is what the config file says.' : `As ${running.adminUrl} decides now.`
  for (const line of [where, ...explanationLines(answer)]) print(line)
  return textIn(recordIn(answer, 'decision'), 'refused') === '' ? 0 : 1
}

async function explainFromFile(
  loaded: Loaded,
  path: string,
  headers: Record<string, string>,
  body: string,
): Promise<unknown> {
  const knownModel = await loadCatalogue()
  const state = { policy: loaded.config.policy, policyVersion: loaded.version }
  const explained = explainRequest(
    { method: 'POST', url: path, headers, body: Buffer.from(body) },
    { state, health: {}, knownModel, id: systemWorld.newId(), at: systemWorld.now() },
  )
  if ('error' in explained) throw new Error(`no route can see a request to ${path} (${explained.error})`)
  return explanationJson(explained)
}

function explanationLines(answer: unknown): readonly string[] {
  const facts = recordIn(answer, 'facts')
  const decision = recordIn(answer, 'decision')
  const alias = textIn(recordIn({ answer }, 'answer'), 'alias')
  const rule = textIn(decision, 'rule')
  const refused = textIn(decision, 'refused')
  const storedAt = textIn(facts, 'stored_at')
  const order = rowsIn(decision, 'targets').map(
    (target) => `${textIn(target, 'provider')}/${textIn(target, 'model') || '*'}`,
  )
  return [
    `request  ${textIn(facts, 'api')} for ${textIn(facts, 'model') || 'no model'}${alias === '' ? '' : `, by its alias ${alias}`}, at the mount of ${textIn(facts, 'provider')}`,
    `prompt   ${textIn(facts, 'input_tokens') || 'unread'} input tokens, turn ${textIn(facts, 'turn') || 'unread'}, needs ${listIn(facts, 'needs') || 'nothing'}`,
    `labels   task ${textIn(facts, 'task')} (${textIn(facts, 'task_source')}), complexity ${textIn(facts, 'complexity')} (${textIn(facts, 'complexity_source')})`,
    `unit     ${textIn(facts, 'unit')} (${textIn(facts, 'unit_source')})`,
    ...(storedAt === '' ? [] : [`stored   what it goes on from is kept at ${storedAt}`]),
    `route    ${textIn(decision, 'route')}${rule === '' ? '' : `, rule ${rule}`}: ${listIn(decision, 'reasons')}`,
    ...rolloutLines(decision),
    refused === '' ? `goes to  ${order.join(', then ')}` : `refused  ${refused}`,
    ...tableOf(['target', 'place', 'weight', 'health', 'rejected'], rowsIn(answer, 'targets')),
    ...verdictTable('rule', rowsIn(answer, 'rules')),
    ...verdictTable('route', rowsIn(answer, 'routes')),
  ]
}

function rolloutLines(decision: JsonRow | undefined): readonly string[] {
  const rollout = recordIn(decision, 'rollout')
  if (rollout === undefined) return []
  return [
    `rollout  ${textIn(rollout, 'name')} at ${textIn(rollout, 'stage')}: arm ${textIn(decision, 'arm')}, which is ${textIn(rollout, 'target')}`,
  ]
}

function verdictTable(head: string, rows: readonly JsonRow[]): readonly string[] {
  if (rows.length === 0) return []
  const table = new Table({ head: [head, 'verdict'], style: { head: [], border: [] } })
  for (const row of rows) table.push([textIn(row, 'name'), verdictOf(row)])
  return [tableText(table)]
}

function verdictOf(row: JsonRow): string {
  const failed = rowsIn(row, 'failed').map(
    (one) => `${textIn(one, 'field')}: expected ${textIn(one, 'expected')}, found ${textIn(one, 'found')}`,
  )
  const verdict = row['chosen'] === true ? ['takes it'] : failed.length === 0 ? ['holds'] : []
  return [...verdict, ...failed].join('\n')
}

function tableOf(head: readonly string[], rows: readonly JsonRow[]): readonly string[] {
  if (rows.length === 0) return []
  const table = new Table({ head: [...head], style: { head: [], border: [] } })
  for (const row of rows) table.push(head.map((column) => textIn(row, column)))
  return [tableText(table)]
}

function listIn(row: JsonRow | undefined, key: string): string {
  const list = row?.[key]
  return Array.isArray(list) ? list.map(String).join(', ') : ''
}

function readHeader(text: string): readonly [string, string] {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? []
  if (name === undefined || value === undefined) throw new Error('expected a header as name: value')
  return [name.toLowerCase(), value]
}

function parseBody(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`expected the JSON body of a request in ${file}, found something else`)
  }
}
