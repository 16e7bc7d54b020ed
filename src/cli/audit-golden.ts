import { readFileSync } from 'node:fs'
import { systemWorld } from '../compose.ts'
import type { AuditAnswer, AuditCell, AuditRun } from '../domain/audit.ts'
import type { Config } from '../domain/policy.ts'
import { auditCells } from '../evaluate/audit/audit-cells.ts'
import { auditPaths } from '../evaluate/audit/audit-paths.ts'
import { createAskPath } from '../evaluate/audit/ask-path.ts'
import { runAudit } from '../evaluate/audit/run-audit.ts'
import { questionSet } from '../evaluate/audit/audit-keeper.ts'
import { readGolden } from '../evaluate/golden.ts'
import { createPriceBook } from '../pricing/price-book.ts'
import { auditProgress } from './audit-progress.ts'
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
 * beside the file until all is asked, so that a run that ended early goes on; the result is also in table `audits` of the
 * proxy that runs here. Exit code 1 below a minimum or beyond the budget.
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
  const set = questionSet(text)
  const progress = auditProgress(options.file, set)
  if (options.fresh) progress.forget()
  const before = progress.read()
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
      progress.keep(answer)
    },
    signal: new AbortController().signal,
  })
  const cells = auditCells(answers, (task) => policy.scoring?.minimum.get(task) ?? options.minimum)
  const spent = answers.slice(before.length).reduce((sum, { picoUsd }) => sum + (picoUsd ?? 0n), 0n)
  terminal.print(printTable(matrix(cells)))
  for (const line of failureLines(answers)) terminal.print(line)
  const earlier = before.length === 0 ? '' : `, ${before.length} of them from the run that ended early`
  terminal.print(`${answers.length} answers${earlier}, ${(Number(spent) / PICO).toFixed(4)} USD in this run.`)
  if (ending === 'complete') progress.forget()
  if (ending !== 'stopped') await keep(config, { run: begunAt, questionSet: set, ending, cells })
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
    columns: ['kind', 'path', 'task', 'answered', 'failed', 'mean [95 %]', 'minimum', 'verdict'],
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

/** Of each path that left questions unanswered, why: `target sim/gone: no answer to 12 (status_404)`. */
function failureLines(answers: readonly AuditAnswer[]): readonly string[] {
  const failed = answers.filter(({ failure }) => failure !== '')
  const groups = Map.groupBy(failed, ({ kind, path, failure }) => `${kind} ${path}\n${failure}`)
  return [...groups].map(([name, { length }]) => {
    const [path, failure] = name.split('\n')
    return `${path}: no answer to ${length} (${failure})`
  })
}
