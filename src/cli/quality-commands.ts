import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDurationMs } from '../config/duration.ts'
import type { Config } from '../domain/policy.ts'
import { auditGolden } from './audit-golden.ts'
import { auditRouting } from './audit-routing.ts'
import { calibrateJudge } from './calibrate-judge.ts'
import { REPORT_FORMATS, type ReportFormat } from './print-report.ts'
import { QUERY_FORMATS, type QueryFormat } from './show-query.ts'
import { FINDINGS_FORMATS, type FindingsFormat } from './routing-findings.ts'
import { showReport } from './show-report.ts'
import { showScores } from './show-scores.ts'
import { switchShadow, type SwitchOptions } from './switch-shadow.ts'
import type { Terminal } from './terminal.ts'

export type QualityCommandParts = {
  readonly terminal: Terminal
  readonly defaultConfig: string
  /** Loads the config and runs the action with it; its exit code becomes the command's. */
  readonly withConfig: (file: string, action: (config: Config) => Promise<number>) => Promise<void>
  readonly wholeNumber: (text: string) => number
}

type ReportCommandOptions = {
  readonly config: string
  readonly since: number
  readonly candidate?: string
  readonly margin: number
  readonly format: ReportFormat
}

/** The commands about how good answers are. */
export function addQualityCommands(
  command: (name: string, description: string) => Command,
  parts: QualityCommandParts,
) {
  const { terminal, defaultConfig, withConfig, wholeNumber } = parts
  command('scores', 'show mean scores per task, model and evaluator')
    .option('-c, --config <file>', 'config file; UNDERSTUDY_CONFIG names it for all commands', defaultConfig)
    .option('-m, --minutes <minutes>', 'how far to look back', wholeNumber, 24 * 60)
    .addOption(new Option('-f, --format <format>', 'how to print').choices(QUERY_FORMATS).default('table'))
    .action((options: { config: string; minutes: number; format: QueryFormat }) =>
      withConfig(options.config, (config) => showScores(terminal, config, options)),
    )
  const shadow = command('shadow', 'what shadows have shown, and whether they are on')
  const user = terminal.process.env['USER'] ?? ''
  for (const position of ['on', 'off'] as const) {
    shadow
      .command(position)
      .description(`turn a shadow ${position} while the proxies run`)
      .argument('<name>', 'name of the shadow')
      .option('-c, --config <file>', 'config file; UNDERSTUDY_CONFIG names it for all commands', defaultConfig)
      .option('-r, --reason <text>', 'why, for the record', '')
      .addOption(new Option('--actor <name>', 'who, for the record').default(user))
      .action((name: string, options: SwitchOptions & { readonly config: string }) =>
        withConfig(options.config, (config) => switchShadow(terminal, config, name, position, options)),
      )
  }
  shadow
    .command('report')
    .description('whether a candidate is good enough, what it would cost, and how sure that is')
    .argument('<name>', 'name of the shadow')
    .option('-c, --config <file>', 'config file; UNDERSTUDY_CONFIG names it for all commands', defaultConfig)
    .addOption(
      new Option('--since <duration>', 'how far to look back').argParser(seconds).default(7 * 24 * 3_600, '7d'),
    )
    .option('--candidate <provider/model>', 'of several candidates, present and past, this one alone')
    .option('--margin <difference>', 'by how much the candidate may be worse', share, 0.05)
    .addOption(new Option('-f, --format <format>', 'how to print').choices(REPORT_FORMATS).default('table'))
    .action((name: string, options: ReportCommandOptions) =>
      withConfig(options.config, (config) =>
        showReport(terminal, config, { name, sinceSeconds: options.since, ...options }),
      ),
    )
  const audit = command('audit', 'known questions down every route, and live ones to every model of theirs')
  audit
    .command('routing')
    .description(
      'has every model of a route answer a sample of live requests, and shows how often the best was picked; each run counts its own, and `weights effectiveness` tells of all; exit code 1 where nothing was audited to the end',
    )
    .argument('<name>', 'of audits in the config, of kind routing, whose sample and budget hold')
    .option('-c, --config <file>', 'config file; UNDERSTUDY_CONFIG names it for all commands', defaultConfig)
    .option('-n, --requests <count>', 'audited requests of each route after which it is over', wholeNumber, 100)
    .addOption(new Option('--for <duration>', 'it is over then in any case').argParser(seconds).default(600, '10m'))
    .addOption(new Option('--actor <name>', 'who, for the record').default(user))
    .addOption(new Option('-f, --format <format>', 'how to print').choices(FINDINGS_FORMATS).default('table'))
    .action((name: string, options: RoutingCommandOptions) =>
      withConfig(options.config, (config) =>
        auditRouting(terminal, config, { name, forMs: options.for * 1_000, ...options }),
      ),
    )
  audit
    .command('golden')
    .description(
      'asks them through the running proxy and shows how right each route was; an early end can be gone on from',
    )
    .argument('<file>', 'one JSON object per line: prompt, expected, and perhaps id and task')
    .option('-c, --config <file>', 'config file; UNDERSTUDY_CONFIG names it for all commands', defaultConfig)
    .option('--url <url>', 'of the data port; default: where the config has it listen')
    .option('--budget <usd>', 'nothing more is asked once so much is spent', usd, 1)
    .option('--minimum <share>', 'least mean score, for tasks of which the config says none', share)
    .option('--fresh', 'begin anew', false)
    .action((file: string, options: GoldenCommandOptions) =>
      withConfig(options.config, (config) =>
        auditGolden(terminal, config, {
          file,
          url: options.url,
          budgetUsd: options.budget,
          minimum: options.minimum,
          fresh: options.fresh,
        }),
      ),
    )
  command('judge', 'how far the judge can be trusted')
    .command('calibrate')
    .description('has the judge judge what people have judged, prints how far they agree, and keeps that')
    .argument(
      '<labels.jsonl>',
      'one JSON object per line: prompt, candidate, stable, human (candidate, stable or tie) and perhaps task',
    )
    .option('-c, --config <file>', 'config file; UNDERSTUDY_CONFIG names it for all commands', defaultConfig)
    .action((file: string, options: { config: string }) =>
      withConfig(options.config, (config) => calibrateJudge(terminal, config, file)),
    )
}

type RoutingCommandOptions = {
  readonly config: string
  readonly requests: number
  readonly for: number
  readonly actor: string
  readonly format: FindingsFormat
}

type GoldenCommandOptions = {
  readonly config: string
  readonly url?: string
  readonly budget: number
  readonly minimum?: number
  readonly fresh: boolean
}

function usd(text: string): number {
  if (!/^\d{1,6}(\.\d{1,6})?$/.test(text)) throw new InvalidArgumentError('Expected an amount in USD, such as 0.5.')
  return Number(text)
}

function seconds(text: string): number {
  const milliseconds = parseDurationMs(text)
  if (milliseconds === undefined) throw new InvalidArgumentError('Expected a duration such as 90m, 24h or 7d.')
  return milliseconds / 1_000
}

function share(text: string): number {
  const value = /^\d(\.\d{1,4})?$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('Expected a difference from 0 to 1, such as 0.05.')
  return value
}
