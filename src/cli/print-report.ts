import type { Compared } from '../evaluate/report/shadow-findings.ts'
import { interval, percent, type ShadowReport, signed } from '../evaluate/report/shadow-report.ts'
import { type Cells, printMarkdown, printTable } from './print-rows.ts'

export const REPORT_FORMATS = ['table', 'json', 'markdown'] as const

export type ReportFormat = (typeof REPORT_FORMATS)[number]

/** A report for people (`table`, `markdown`) or programs. */
export function printReport(report: ShadowReport, format: ReportFormat): string {
  if (format === 'json') return JSON.stringify(report, undefined, 2)
  const isMarkdown = format === 'markdown'
  const draw = isMarkdown ? printMarkdown : printTable
  const title = (text: string): string => (isMarkdown ? `### ${text}` : text)
  const section = (name: string, cells: Cells): readonly string[] =>
    cells.rows.length === 0 ? [] : ['', title(name), ...(isMarkdown ? [''] : []), draw(cells)]
  return [
    isMarkdown ? `## Shadow ${report.name}` : `Shadow ${report.name}`,
    '',
    report.verdict,
    ...report.warnings.map((warning) => `${isMarkdown ? '- ' : '! '}${warning}`),
    ...section(verdictsTitle(report), verdicts(report)),
    ...section('Cost of one request and, as a signal, its times (a shadow runs on a cold cache)', calls(report)),
    ...section('What failed', {
      columns: ['side', 'kind', 'calls'],
      rows: report.failures.map(({ side, kind, calls: count }) => [side, kind, count]),
    }),
    ...section(`Where the candidate lost most (npx understudy trace ID shows the request${contentText(report)})`, {
      columns: ['trace', 'task', 'd', 'why'],
      rows: report.worst.map(({ traceId, task, d, explanation }) => [traceId, task, signed(d), saidOf(explanation)]),
    }),
    ...section('What became of the requests', {
      columns: ['stage', 'reason', 'requests'],
      rows: inOrder(report.funnel).map(({ stage, reason, requests }) => [stage, reason, requests]),
    }),
  ].join('\n')
}

function verdictsTitle({ evaluator, version }: ShadowReport): string {
  return evaluator === 'judge'
    ? `Verdicts of the judge ${version}`
    : 'Whether an answer came at all (no judge has read them)'
}

/** What of these requests can be read; nothing where all can. */
function contentText({ worst }: ShadowReport): string {
  const kept = worst.filter(({ hasContent }) => hasContent).length
  if (kept === worst.length) return ''
  const what = 'what was asked and answered is kept where `content` in the config says so'
  return kept === 0 ? `, without its texts: ${what}` : `, ${kept} of these with its texts: ${what}`
}

/** What a judge said in both orders, for people. */
function saidOf(explanation: string): string {
  const [, one, other] =
    /^candidate first: (first|second|tie); stable first: (first|second|tie)$/.exec(explanation) ?? []
  if (one === undefined || other === undefined) return explanation
  const said = [
    { first: 'the candidate', second: 'the stable model', tie: 'neither' }[one],
    { first: 'the stable model', second: 'the candidate', tie: 'neither' }[other],
  ]
  return said[0] === said[1]
    ? `${said[0]} is better, in both orders`
    : `candidate read first: ${said[0]} is better; stable model read first: ${said[1]} is better`
}

/** Stages in the order in which requests come to them, and of each the commonest reason first. */
function inOrder(funnel: ShadowReport['funnel']): ShadowReport['funnel'] {
  const stages = ['eligible', 'skipped', 'mirrored', 'compared', 'failed']
  return funnel.toSorted(
    (one, other) => stages.indexOf(one.stage) - stages.indexOf(other.stage) || other.requests - one.requests,
  )
}

function verdicts({ pooled, tasks, control, excessLosses }: ShadowReport): Cells {
  if (pooled.pairs + pooled.failed === 0 && control === undefined) return { columns: [], rows: [] }
  const row = (name: string, { pairs, wins, ties, losses, failed, ...rest }: Compared) => [
    name,
    pairs,
    `${wins}/${ties}/${losses}`,
    failed,
    interval(rest),
  ]
  return {
    columns: ['task', 'pairs', 'win/tie/loss', 'missing', 'mean d [95 %, anytime]'],
    rows: [
      row('all', pooled),
      ...(tasks.length < 2 ? [] : tasks.map(({ task, compared }) => row(task, compared))),
      ...(control === undefined ? [] : [row('A/A (noise)', control)]),
      ...(excessLosses === undefined ? [] : [['losses beyond A/A', '', percent(excessLosses), '', '']]),
    ],
  }
}

function calls({ calls: rows }: ShadowReport): Cells {
  return {
    columns: [
      'task',
      'side',
      'model',
      'calls',
      'priced',
      'USD',
      'USD uncached',
      'ms p50/p95',
      'first token ms p50/p95',
    ],
    rows: rows.map((row) => [
      row.task,
      row.side,
      `${row.provider}/${row.model}`,
      row.calls,
      row.priced,
      usd(row.observedUsd),
      usd(row.listUsd),
      `${ms(row.durationMsP50)}/${ms(row.durationMsP95)}`,
      `${ms(row.firstTokenMsP50)}/${ms(row.firstTokenMsP95)}`,
    ]),
  }
}

function usd(value: number | undefined): string {
  return value === undefined ? '-' : value.toPrecision(4)
}

function ms(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(0)
}
