import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { answerContentOf } from '../dialects/answer-content.ts'
import { readerFor } from '../dialects/answer-reader.ts'
import { asRecord, parseJson } from '../dialects/json-value.ts'
import { systemWorld } from '../compose.ts'
import type { Config } from '../domain/policy.ts'
import type { Route } from '../domain/routing/route.ts'
import { targetsOf } from '../domain/routing/router.ts'
import { goldenMatrix, type GoldenQuestion, type GoldenResult, readGolden, scoreGolden } from '../evaluate/golden.ts'
import { createPriceBook } from '../pricing/price-book.ts'
import { printTable } from './print-rows.ts'
import type { Terminal } from './terminal.ts'

export type GoldenOptions = {
  readonly file: string
  /** Of the running proxy; where it listens by its config unless told otherwise. */
  readonly url: string | undefined
  /** Nothing more is asked once so much is spent. */
  readonly budgetUsd: number
  /** Least mean score of every path and task where the config says none for the task. */
  readonly minimum: number | undefined
  /** Begins anew instead of going on where an earlier run ended. */
  readonly fresh: boolean
}

const TIMEOUT_MS = 120_000

/**
 * Asks every question down every route of the running proxy, and prints how right they were. What has been asked is kept
 * beside the file, so that a run that ended early goes on. Exit code 1 below a minimum or beyond the budget.
 */
export async function auditGolden(terminal: Terminal, config: Config, options: GoldenOptions): Promise<number> {
  const { questions, faults } = readGolden(readFileSync(options.file, 'utf8'))
  for (const fault of faults) terminal.complain(`${options.file}: ${fault}`)
  if (faults.length > 0) return 1
  const { policy, boot } = config
  const dataUrl = options.url ?? `http://${boot.data.host}:${boot.data.port}`
  const progress = `${options.file}.progress.ndjson`
  const results = options.fresh ? [] : [...readProgress(progress)]
  const done = new Set(results.map(({ path, id }) => `${path}\n${id}`))
  let spentUsd = 0
  let isCut = false
  for (const route of policy.routing.routes.filter(({ dialect }) => dialect !== 'gemini')) {
    for (const question of questions) {
      if (done.has(`${route.name}\n${question.id}`)) continue
      if (spentUsd >= options.budgetUsd) {
        isCut = true
        break
      }
      const result = await askGolden(terminal, config, dataUrl, route, question)
      spentUsd += result.usd
      results.push(result)
      appendFileSync(progress, `${JSON.stringify(result)}\n`, { mode: 0o600 })
    }
  }
  const cells = goldenMatrix(results)
  const rows = cells.map((cell) => {
    const least = policy.scoring?.minimum.get(cell.task) ?? options.minimum
    const isBelow = least !== undefined && cell.mean < least
    const mean = `${cell.mean.toFixed(3)} [${cell.low.toFixed(3)}, ${cell.high.toFixed(3)}]`
    return {
      cells: [cell.path, cell.task, cell.answered, cell.failed, mean, least ?? '', isBelow ? 'below' : ''],
      isBelow,
    }
  })
  const columns = ['path', 'task', 'answered', 'failed', 'mean [95 %]', 'minimum', '']
  terminal.print(printTable({ columns, rows: rows.map((row) => row.cells) }))
  terminal.print(`${results.length} answers, ${spentUsd.toFixed(4)} USD in this run.`)
  if (isCut) terminal.complain('understudy: the budget is spent; run it again to go on where this ended.')
  return isCut || rows.some(({ isBelow }) => isBelow) ? 1 : 0
}

async function askGolden(
  { process }: Terminal,
  { policy }: Config,
  dataUrl: string,
  route: Route,
  { id, prompt, expected, task }: GoldenQuestion,
): Promise<GoldenResult> {
  const target = targetsOf(route)[0]
  const api = route.dialect === 'anthropic' ? 'messages' : 'chat_completions'
  const path = api === 'messages' ? '/v1/messages' : '/v1/chat/completions'
  const model = target?.model ?? 'audit'
  const key = process.env['UNDERSTUDY_AUDIT_KEY']
  const answer = await fetch(`${dataUrl}/p/${target?.provider ?? ''}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      'x-understudy-route': route.name,
      'x-understudy-task': task,
      'x-understudy-tags': 'audit=golden',
      'x-understudy-shadow': 'off',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}`, 'x-api-key': key }),
    },
    body: JSON.stringify({
      model,
      messages: [{ role: 'user', content: prompt }],
      ...(api === 'messages' ? { max_tokens: 1_024 } : {}),
    }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const body = Buffer.from(await answer.arrayBuffer())
  const content = answerContentOf(api, body)
  const reader = readerFor(api)
  reader?.body(body)
  const said = reader?.answer(false)
  const { price } = createPriceBook(policy)
  const cost = price({
    provider: target?.provider ?? '',
    model: said?.model ?? model,
    usage: said?.usage,
    at: systemWorld.now(),
  })
  const isAnswered = answer.ok && content !== undefined
  return {
    path: route.name,
    id,
    task,
    value: isAnswered ? scoreGolden({ id, prompt, expected, task }, answer.status, content) : undefined,
    traceId: answer.headers.get('x-understudy-trace-id') ?? '',
    usd: cost.kind === 'priced' ? Number(cost.picoUsd) / 1e12 : 0,
  }
}

function readProgress(file: string): readonly GoldenResult[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line): readonly GoldenResult[] => {
      const row = asRecord(parseJson(line))
      if (row === undefined) return []
      const { path, id, task, value, traceId, usd } = row
      if (typeof path !== 'string' || typeof id !== 'string' || typeof task !== 'string') return []
      return [
        {
          path,
          id,
          task,
          value: typeof value === 'number' ? value : undefined,
          traceId: typeof traceId === 'string' ? traceId : '',
          usd: typeof usd === 'number' ? usd : 0,
        },
      ]
    })
}
