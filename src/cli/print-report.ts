import { type Compared, interval, percent, type ShadowReport } from '../evaluate/report/shadow-report.ts'
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
    ...section(`Verdicts of ${report.evaluator} ${report.version}`, verdicts(report)),
    ...section('Cost per request and, as a signal, times (a shadow runs on a cold cache)', calls(report)),
    ...section('What failed', {
      columns: ['side', 'kind', 'calls'],
      rows: report.failures.map(({ side, kind, calls: count }) => [side, kind, count]),
    }),
    ...section('Worst disagreements', {
      columns: ['trace', 'task', 'd', 'explanation'],
      rows: report.worst.map(({ traceId, task, d, explanation }) => [traceId, task, d, explanation]),
    }),
    ...section('What became of the requests', {
      columns: ['stage', 'reason', 'requests'],
      rows: report.funnel.map(({ stage, reason, requests }) => [stage, reason, requests]),
    }),
  ].join('\n')
}

function verdicts({ pooled, tasks, control, excessLosses }: ShadowReport): Cells {
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
      ...tasks.map(({ task, compared }) => row(task, compared)),
      ...(control === undefined ? [] : [row('A/A (noise)', control)]),
      ...(excessLosses === undefined ? [] : [['losses less A/A', '', percent(excessLosses), '', '']]),
    ],
  }
}

function calls({ calls: rows }: ShadowReport): Cells {
  return {
    columns: ['task', 'side', 'model', 'calls', 'priced', 'USD', 'USD uncached', 'ms p50/p95', 'ttft p50/p95'],
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
