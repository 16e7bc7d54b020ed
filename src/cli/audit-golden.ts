import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { systemWorld } from '../compose.ts'
import { asRecord, parseJson } from '../dialects/json-value.ts'
import type { AuditAnswer, AuditCell, AuditRun } from '../domain/audit.ts'
import type { Config } from '../domain/policy.ts'
import { auditCells } from '../evaluate/audit/audit-cells.ts'
import { auditPaths } from '../evaluate/audit/audit-paths.ts'
import { createAskPath } from '../evaluate/audit/ask-path.ts'
import { runAudit } from '../evaluate/audit/run-audit.ts'
import { questionSet } from '../evaluate/audit/audit-keeper.ts'
import { readGolden } from '../evaluate/golden.ts'
import { createPriceBook } from '../pricing/price-book.ts'
import { type Cells, printTable } from './print-rows.ts'
import { askAdmin } from './read-admin.ts'
import { findRunning } from './run-file.ts'
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

const AT_ONCE = 4
const PICO = 1e12

/**
 * Asks every question down every path of the running proxy, and prints how right they were. What has been asked is kept
 * beside the file, so that a run that ended early goes on; the result also in table `audits` of the proxy that runs here. Exit code 1 below a minimum or
 * beyond the budget.
 */
export async function auditGolden(terminal: Terminal, config: Config, options: GoldenOptions): Promise<number> {
  const text = readFileSync(options.file, 'utf8')
  const { questions, faults } = readGolden(text)
  for (const fault of faults) terminal.complain(`${options.file}: ${fault}`)
  if (faults.length > 0) return 1
  const { policy, boot } = config
  const begunAt = new Date(systemWorld.now()).toISOString()
  const key = terminal.process.env['UNDERSTUDY_AUDIT_KEY']
  const { paths, leftOut } = auditPaths(policy, { routes: undefined, hasKey: key !== undefined })
  for (const { path, why } of leftOut) terminal.complain(`understudy: ${path} is left out: ${why}.`)
  const progress = `${options.file}.progress.ndjson`
  const before = options.fresh ? [] : readProgress(progress)
  const answers = [...before]
  // Each run has the whole budget: what earlier ones have spent is spent.
  const free = before.map((answer) => ({ ...answer, picoUsd: 0n }))
  const ending = await runAudit({
    paths,
    questions,
    done: free,
    budget: BigInt(Math.round(options.budgetUsd * PICO)),
    maxConcurrent: AT_ONCE,
    ask: createAskPath({
      url: options.url ?? `http://${boot.data.host}:${boot.data.port}`,
      key,
      price: createPriceBook(policy).price,
      world: systemWorld,
    }),
    keep: (answer) => {
      answers.push(answer)
      appendFileSync(progress, `${JSON.stringify({ ...answer, picoUsd: String(answer.picoUsd) })}\n`, { mode: 0o600 })
    },
    signal: new AbortController().signal,
  })
  const cells = auditCells(answers, (task) => policy.scoring?.minimum.get(task) ?? options.minimum)
  const spent = answers.slice(before.length).reduce((sum, { picoUsd }) => sum + (picoUsd ?? 0n), 0n)
  terminal.print(printTable(matrix(cells)))
  terminal.print(`${answers.length} answers, ${(Number(spent) / PICO).toFixed(4)} USD in this run.`)
  if (ending !== 'stopped') await keep(config, { run: begunAt, questionSet: questionSet(text), ending, cells })
  if (ending === 'budget') terminal.complain('understudy: the budget is spent; run it again to go on where this ended.')
  return ending === 'complete' && cells.every(({ isPassed }) => isPassed !== false) ? 0 : 1
}

/** In the tables of the proxy that runs on this data directory; of another one's nobody can tell here. */
async function keep(
  { boot }: Config,
  { cells, ...run }: Pick<AuditRun, 'run' | 'questionSet' | 'ending' | 'cells'>,
): Promise<void> {
  const running = await findRunning(boot)
  if (running === undefined || boot.store.kind === 'none') return
  const json = {
    run: {
      ...run,
      endedAt: systemWorld.now(),
      cells: cells.map((cell) => ({ ...cell, picoUsd: String(cell.picoUsd) })),
    },
  }
  const headers = { 'content-type': 'application/json' }
  await askAdmin(running, '/admin/audits', { method: 'POST', headers, body: JSON.stringify(json) })
}

function matrix(cells: readonly AuditCell[]): Cells {
  return {
    columns: ['', 'path', 'task', 'answered', 'failed', 'mean [95 %]', 'minimum', ''],
    rows: cells.map((cell) => [
      cell.kind,
      cell.path,
      cell.task,
      cell.answered,
      cell.failed,
      `${cell.mean.toFixed(3)} [${cell.low.toFixed(3)}, ${cell.high.toFixed(3)}]`,
      cell.minimum ?? '',
      cell.isPassed === false ? 'below' : '',
    ]),
  }
}

function readProgress(file: string): readonly AuditAnswer[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line): readonly AuditAnswer[] => {
      const row = asRecord(parseJson(line))
      if (row === undefined) return []
      const { kind, path, question, task, value, traceId, picoUsd, answeredAt, failure, model } = row
      if (kind !== 'route' && kind !== 'target') return []
      if (typeof path !== 'string' || typeof question !== 'string' || typeof task !== 'string') return []
      return [
        {
          kind,
          path,
          question,
          task,
          answeredAt: typeof answeredAt === 'number' ? answeredAt : 0,
          traceId: typeof traceId === 'string' ? traceId : undefined,
          value: typeof value === 'number' ? value : undefined,
          failure: typeof failure === 'string' ? failure : '',
          model: typeof model === 'string' ? model : '',
          picoUsd: typeof picoUsd === 'string' && /^\d+$/.test(picoUsd) ? BigInt(picoUsd) : undefined,
        },
      ]
    })
}
