import type { Config } from '../domain/policy.ts'
import { readReportRows } from '../evaluate/report/read-report-rows.ts'
import { reportQueries } from '../evaluate/report/report-queries.ts'
import { shadowReport } from '../evaluate/report/shadow-report.ts'
import { askRows } from './ask-rows.ts'
import { printReport, type ReportFormat } from './print-report.ts'
import type { Terminal } from './terminal.ts'

export type ReportOptions = {
  readonly name: string
  readonly sinceSeconds: number
  readonly candidate?: string | undefined
  readonly format: ReportFormat
  readonly margin: number
}

/** Prints what a shadow has shown; one that the config no longer has, as long as there are rows. Exit code 1 without either. */
export async function showReport(
  { print, complain }: Terminal,
  config: Config,
  options: ReportOptions,
): Promise<number> {
  const audited = config.policy.shadows.find(({ name, audit }) => audit !== undefined && name === options.name)?.audit
  if (audited !== undefined) {
    complain(
      `understudy: ${options.name} is a routing audit, which has no candidate of its own: \`understudy weights effectiveness ${audited.route}\` tells what it has found.`,
    )
    return 1
  }
  const queries = reportQueries(options)
  const answers = {
    verdicts: await askRows(config, queries.verdicts),
    lengths: await askRows(config, queries.lengths),
    calls: await askRows(config, queries.calls),
    savings: await askRows(config, queries.savings),
    failures: await askRows(config, queries.failures),
    worst: await askRows(config, queries.worst),
    funnel: await askRows(config, queries.funnel),
  }
  const known = config.policy.shadows.map(({ name }) => name)
  if (!known.includes(options.name) && answers.funnel.length === 0) {
    complain(`understudy: no shadow is called "${options.name}". Known: ${known.join(', ') || 'none'}.`)
    return 1
  }
  print(printReport(shadowReport(options.name, readReportRows(answers), options.margin), options.format))
  return 0
}
