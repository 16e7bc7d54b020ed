import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { compose, systemWorld } from '../../src/compose.ts'
import { formatFault } from '../../src/config/fault.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import type { ConfigSource } from '../../src/config/load-config.ts'
import type { World } from '../../src/domain/ports.ts'
import type { StoreClient } from '../../src/store/client.ts'
import type { TestEngine } from './clickhouse.ts'

/** How long a slow machine may take to store a row. */
const PATIENCE_MS = 30_000
const POLL_MS = 200
/** Rows are on their way for a second, and a hundred stories that are asked for before cost more than what they tell of. */
const ON_THE_WAY_MS = 900

/** A whole proxy that runs on a config file as it is, but for its ports, its directory and its store. */
export type Composed = {
  readonly url: string
  /** What became of a request, out of its rows; waits until they are stored. */
  readonly story: (traceId: string | null) => Promise<Story>
  /** How the stored requests went, those that went alike counted together. */
  readonly endings: () => Promise<readonly Ending[]>
  /** State of every target, as `/admin/targets` shows it. */
  readonly states: () => Promise<Readonly<Record<string, string>>>
  /** What has become of the requests that the first shadow matched, as `/admin/shadows` shows it. */
  readonly funnel: () => Promise<Funnel>
  /** Verdicts of the judge that are stored. */
  readonly verdicts: () => Promise<number>
  /** `path answered/asked` of the last run of the first audit; undefined while there is none. */
  readonly audited: () => Promise<readonly string[] | undefined>
  /** What the feedback of the first route with weights last came to. */
  readonly feedback: () => Promise<string>
  /** What the admin API answers to a POST without a body. */
  readonly post: (path: string) => Promise<{ readonly status: number; readonly json: unknown }>
  readonly close: () => Promise<void>
}

/** A trace and its calls. */
export type Story = {
  readonly route: string
  /** Of a route with rules; empty = none held. */
  readonly rule: string
  readonly reasons: readonly string[]
  /** As the client saw it, with its status: `completed 200`. */
  readonly outcome: string
  /** In their order: `fallback openai/gpt-4o completed 200 after rate_limit`. */
  readonly calls: readonly string[]
  /** Model named in the answer. */
  readonly servedModel: string
  readonly costUsd: string | null
}

/** `calls`: role, provider, outcome, error and why the one before was left. */
export type Ending = { readonly outcome: string; readonly calls: readonly string[]; readonly requests: number }

/** Starts it on free ports, recording into `engine`. `environment` is what the file's `${…}` mean. */
export async function startComposed(
  engine: TestEngine,
  file: string,
  environment: ConfigSource['environment'],
  world: World = systemWorld,
): Promise<Composed> {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-composed-'))
  const source = { file, environment, baseDir: process.cwd() }
  const loaded = await loadConfig(source)
  if ('faults' in loaded) throw new Error(loaded.faults.map(formatFault).join('\n'))
  const { policy, boot } = loaded.config
  const data = { ...boot.data, port: 0 }
  const admin = { ...boot.admin, port: 0 }
  const login = { username: 'app', password: 'app', database: 'understudy' }
  const store = { kind: 'url' as const, url: engine.engine.url, ...login }
  const config = { policy, boot: { ...boot, data, admin, dataDir: join(dir, 'data'), store } }
  const app = await compose({
    source,
    loaded: { ...loaded, config },
    world,
    instance: 'test',
    version: 'test',
    logFd: openSync(join(dir, 'log'), 'a'),
  })
  const adminUrl = `http://127.0.0.1:${app.admin.port}`
  const client = engine.client()
  return {
    url: `http://127.0.0.1:${app.data.port}`,
    story: storyTeller(client),
    endings: async () => {
      const found = await client.select({
        name: 'test-endings',
        sql: ENDINGS,
        parse: (row): Ending => JSON.parse(JSON.stringify(row)),
      })
      return found.kind === 'ok' ? found.value : []
    },
    states: async () => {
      const shown: Shown = JSON.parse(await (await fetch(`${adminUrl}/admin/targets`)).text())
      return Object.fromEntries(shown.targets.map(({ target, state }) => [target, state]))
    },
    funnel: async () => {
      const shown: { readonly shadows: readonly [{ readonly funnel: Funnel }] } = JSON.parse(
        await (await fetch(`${adminUrl}/admin/shadows`)).text(),
      )
      return shown.shadows[0].funnel
    },
    verdicts: async () => {
      const found = await client.select({
        name: 'test-verdicts',
        sql: `SELECT toUInt32(count()) AS verdicts FROM understudy.pairs WHERE evaluator = 'judge' AND d IS NOT NULL`,
        parse: (row): { readonly verdicts: number } => JSON.parse(JSON.stringify(row)),
      })
      return found.kind === 'ok' ? (found.value[0]?.verdicts ?? 0) : 0
    },
    audited: async () => {
      const shown: { readonly audits: readonly [Audited] } = JSON.parse(
        await (await fetch(`${adminUrl}/admin/audits`)).text(),
      )
      return shown.audits[0].last?.cells.map(({ path, answered, failed }) => `${path} ${answered}/${answered + failed}`)
    },
    feedback: async () => {
      const shown: { readonly routes: readonly [{ readonly feedback: { verdict: string; detail: string } }] } =
        JSON.parse(await (await fetch(`${adminUrl}/admin/weights`)).text())
      const { verdict, detail } = shown.routes[0].feedback
      return `${verdict}: ${detail}`
    },
    post: async (path) => {
      const answer = await fetch(`${adminUrl}${path}`, { method: 'POST' })
      return { status: answer.status, json: await answer.json() }
    },
    close: async () => {
      await app.close()
      rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
  }
}

export type Funnel = {
  readonly eligible: number
  readonly mirrored: number
  readonly compared: number
  readonly skipped: Readonly<Record<string, number>>
}

type Audited = {
  readonly last: {
    readonly cells: readonly { readonly path: string; readonly answered: number; readonly failed: number }[]
  } | null
}

type Shown = { readonly targets: readonly { readonly target: string; readonly state: string }[] }

/** `attempts` of the trace tells how many rows there must be: the two tables are filled apart from each other. */
const STORIES = `SELECT toString(t.trace_id) AS id, any(t.route) AS route, any(t.rule) AS rule, any(t.reasons) AS reasons,
  concat(any(t.outcome), ' ', toString(any(t.status))) AS outcome,
  any(t.served_model) AS servedModel, toString(any(t.cost_usd)) AS costUsd, any(t.attempts) AS promised,
  arrayMap(x -> x.2, arraySort(groupArray((a.position, concat(a.role, ' ', a.provider, '/', a.model, ' ', a.outcome, ' ',
    toString(a.status), if(a.fallback_reason = '', '', concat(' after ', a.fallback_reason))))))) AS calls
FROM understudy.traces AS t INNER JOIN understudy.attempts AS a ON a.trace_id = t.trace_id
WHERE t.trace_id IN {ids:Array(UUID)} AND a.trace_id IN {ids:Array(UUID)} GROUP BY t.trace_id`

const ENDINGS = `SELECT outcome, calls, toUInt32(count()) AS requests FROM (
  SELECT concat(any(t.outcome), ' ', toString(any(t.status))) AS outcome,
    arrayMap(x -> x.2, arraySort(groupArray((a.position, concat(a.role, ' ', a.provider, ' ', a.outcome, ' ', a.error,
      if(a.fallback_reason = '', '', concat(' after ', a.fallback_reason))))))) AS calls
  FROM understudy.traces AS t INNER JOIN understudy.attempts AS a ON a.trace_id = t.trace_id GROUP BY t.trace_id)
GROUP BY outcome, calls ORDER BY requests DESC`

/** Tells stories, all that are waited for by one query at a time. */
function storyTeller(client: StoreClient): (traceId: string | null) => Promise<Story> {
  const waiting = new Map<string, (story: Story) => void>()
  let looking: Promise<void> | undefined
  let lastSeen = 'none'
  const look = async (): Promise<void> => {
    await sleep(ON_THE_WAY_MS)
    for (; waiting.size > 0; await sleep(POLL_MS)) {
      const found = await client.select({
        name: 'test-story',
        sql: STORIES,
        params: { ids: [...waiting.keys()] },
        parse: (row): Story & { readonly id: string; readonly promised: number } => JSON.parse(JSON.stringify(row)),
      })
      lastSeen = JSON.stringify(found)
      for (const { id, promised, ...story } of found.kind === 'ok' ? found.value : []) {
        if (story.calls.length === promised) waiting.get(id)?.(story)
      }
    }
    looking = undefined
  }
  return (traceId) => {
    if (traceId === null) throw new Error('the answer names no trace')
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        waiting.delete(traceId)
        reject(new Error(`no rows of ${traceId}: ${lastSeen}`))
      }, PATIENCE_MS)
      waiting.set(traceId, (story) => {
        clearTimeout(late)
        waiting.delete(traceId)
        resolve(story)
      })
      looking ??= look()
    })
  }
}
