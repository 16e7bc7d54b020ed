import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { readFileSync } from 'node:fs'
import { loadConfig } from '../config/load-config.ts'
import type { ConfigSource, Loaded } from '../config/load-config.ts'
import { formatFault } from '../config/fault.ts'
import { MAX_WORKERS } from '../config/leaves.ts'
import { type AnswerFormat, formatOption } from './answer-format.ts'
import { DEFAULT_CONFIG } from './banner.ts'
import { check } from './check.ts'
import { configAdvice } from './config-advice.ts'
import { eraseUser } from './erase-user.ts'
import { migrate } from './migrate.ts'
import { writeSchema } from './schema.ts'
import { QUERY_FORMATS, type QueryFormat, showQuery } from './show-query.ts'
import { replayStored } from './replay.ts'
import { serve } from './serve.ts'
import { rebuildRollups } from './rebuild-rollups.ts'
import { sayWhy } from './say-why.ts'
import { showRoute } from './show-route.ts'
import { simulate } from './simulate.ts'
import { showSummary } from './show-summary.ts'
import { showTargets } from './show-targets.ts'
import { showTrace } from './show-trace.ts'
import { showTraces } from './show-traces.ts'
import type { Terminal } from './terminal.ts'
import { timeOf } from '../admin/erase.ts'
import { isDay } from '../admin/rollups.ts'
import { addQualityCommands } from './quality-commands.ts'
import { addRolloutCommands } from './rollout-commands.ts'
import { addWeightsCommands } from './weights-commands.ts'

/** Runs the command that the arguments name. Resolves to the exit code once it is done. */
export async function run(process: NodeJS.Process): Promise<number> {
  const terminal: Terminal = {
    process,
    version: packageVersion(),
    print: (line) => void process.stdout.write(`${line}\n`),
    complain: (line) => void process.stderr.write(`${line}\n`),
  }
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreNobodyListening)
  let exitCode = 0
  const finish = async (code: Promise<number>): Promise<void> => {
    exitCode = await code
  }
  const program = new Command('understudy')
    .description('A transparent LLM proxy that records every call in ClickHouse.')
    .version(terminal.version)
    .showHelpAfterError()
    .exitOverride()
  const command = (name: string, description: string): Command => program.command(name).description(description)
  const withConfig = (name: string, description: string): Command =>
    command(name, description).option(
      '-c, --config <file>',
      'config file; UNDERSTUDY_CONFIG names it for all commands',
      process.env['UNDERSTUDY_CONFIG'] ?? DEFAULT_CONFIG,
    )

  withConfig('serve', 'start the proxy (this is npm start)')
    .option(
      '-w, --workers <count>',
      "processes that serve, or auto for one per core; wins over the config's",
      workerCount,
    )
    .action((options: { config: string; workers?: number | 'auto' }) =>
      finish(
        withLoaded(terminal, options.config, (source, loaded) => serve(terminal, source, loaded, options.workers)),
      ),
    )
  withConfig('check', 'check a config file without starting anything').action((options: { config: string }) =>
    finish(check(terminal, sourceOf(terminal, options.config), adviceFor(terminal, options.config))),
  )
  withConfig('migrate', 'bring the ClickHouse tables up to date, then stop')
    .option('--print', 'print the SQL that makes all tables instead')
    .option(
      '--cluster <name>',
      'with --print: for this ClickHouse cluster instead of the one of the config',
      clusterName,
    )
    .action((options: { config: string; print?: boolean; cluster?: string }) =>
      finish(withLoaded(terminal, options.config, (_source, loaded) => migrate(terminal, loaded.config, options))),
    )
  withConfig('traces', 'show the newest calls, or one call in full')
    .argument('[id]', 'trace id, as in the response header x-understudy-trace-id')
    .option('-n, --limit <count>', 'how many', count, 20)
    .option('-m, --minutes <minutes>', 'how far to look back', count, 60)
    .addOption(formatOption())
    .action(
      (id: string | undefined, options: { config: string; limit: number; minutes: number; format: AnswerFormat }) =>
        finish(
          withLoaded(terminal, options.config, (_source, { config }) =>
            showTraces(terminal, config, { id, ...options }),
          ),
        ),
    )
  withConfig('trace', 'show one call in full, and what was said where that is kept')
    .argument('<id>', 'trace id, as in the response header x-understudy-trace-id')
    .addOption(formatOption())
    .action((id: string, options: { config: string; format: AnswerFormat }) =>
      finish(
        withLoaded(terminal, options.config, (_source, { config }) => showTrace(terminal, config, { id, ...options })),
      ),
    )
  withConfig('summary', 'show calls, tokens, cost and latency per model')
    .option('-m, --minutes <minutes>', 'how far to look back', count, 60)
    .addOption(formatOption())
    .action((options: { config: string; minutes: number; format: AnswerFormat }) =>
      finish(withLoaded(terminal, options.config, (_source, { config }) => showSummary(terminal, config, options))),
    )
  withConfig('targets', 'show how the targets of the routes are, and why one is left out')
    .addOption(formatOption())
    .action((options: { config: string; format: AnswerFormat }) =>
      finish(
        withLoaded(terminal, options.config, (_source, { config }) => showTargets(terminal, config, options.format)),
      ),
    )
  withConfig('route', 'show where a request would go and why, without calling anything')
    .requiredOption('--explain <file>', 'JSON body of a request, as a client would send it')
    .option('--path <path>', 'path the request is sent to', '/v1/chat/completions')
    .option('--header <name:value>', 'a request header; may be given several times', collect, [])
    .action((options: { config: string; explain: string; path: string; header: string[] }) =>
      finish(withLoaded(terminal, options.config, (_source, loaded) => showRoute(terminal, loaded, options))),
    )
  withConfig('query', 'ask the tables in SQL; only reading, and only tables of the store')
    .argument('<sql>', 'one SELECT, WITH, EXPLAIN, DESCRIBE, SHOW TABLES or SHOW CREATE TABLE; - reads it from stdin')
    .addOption(new Option('-f, --format <format>', 'how to print').choices(QUERY_FORMATS).default('table'))
    .option('-n, --limit <count>', 'most rows to print, up to 10000', count, 1000)
    .action((sql: string, options: { config: string; format: QueryFormat; limit: number }) =>
      finish(
        withLoaded(terminal, options.config, (_source, { config }) => showQuery(terminal, config, { sql, ...options })),
      ),
    )
  addWeightsCommands(command('weights', 'the weights of routes, changed while the proxies run'), {
    terminal,
    defaultConfig: process.env['UNDERSTUDY_CONFIG'] ?? DEFAULT_CONFIG,
    withConfig: (file, action) => finish(withLoaded(terminal, file, (_source, { config }) => action(config))),
    wholeNumber: count,
  })
  addRolloutCommands(command('rollout', 'candidates on their way to taking over a route'), {
    terminal,
    defaultConfig: process.env['UNDERSTUDY_CONFIG'] ?? DEFAULT_CONFIG,
    withConfig: (file, action) => finish(withLoaded(terminal, file, (_source, { config }) => action(config))),
  })
  withConfig('replay', 'decide stored traces again from their rows, and compare')
    .option('-s, --since <minutes>', 'how far to look back', count, 1440)
    .option('-n, --limit <count>', 'the newest so many', count, 10_000)
    .action((options: { config: string; since: number; limit: number }) =>
      finish(withLoaded(terminal, options.config, (_source, { config }) => replayStored(terminal, config, options))),
    )
  withConfig('erase', 'delete or anonymise all rows of a user, and say how many of each table')
    .requiredOption('--user <id>', 'as in x-understudy-user, or the end user that the request itself names')
    .option('--before <time>', 'only what was received before, as 2026-11-20 or 2026-11-20T12:00:00Z', time)
    .option('--dry-run', 'change nothing, only count', false)
    .action((options: { config: string; user: string; before?: string; dryRun: boolean }) =>
      finish(withLoaded(terminal, options.config, (_source, { config }) => eraseUser(terminal, config, options))),
    )
  addQualityCommands(command, {
    terminal,
    defaultConfig: process.env['UNDERSTUDY_CONFIG'] ?? DEFAULT_CONFIG,
    withConfig: (file, action) => finish(withLoaded(terminal, file, (_source, { config }) => action(config))),
    wholeNumber: count,
  })
  const rollups = command('rollups', 'the sums per minute and hour')
  rollups
    .command('rebuild')
    .description('make them anew out of the rows, day by day; rows wait in the spools for a moment meanwhile')
    .option(
      '-c, --config <file>',
      'config file; UNDERSTUDY_CONFIG names it for all commands',
      process.env['UNDERSTUDY_CONFIG'] ?? DEFAULT_CONFIG,
    )
    .option('--from <day>', 'first day (UTC), as 2026-11-20', day)
    .option('--to <day>', 'last day', day)
    .action((options: { config: string; from?: string; to?: string }) =>
      finish(withLoaded(terminal, options.config, (_source, { config }) => rebuildRollups(terminal, config, options))),
    )
  command('simulator', 'start a simulated provider that speaks all three dialects')
    .option('-p, --port <port>', 'port', port, 8790)
    .option('--host <host>', 'address', '127.0.0.1')
    .option('--seed <seed>', 'same seed, same answers', wholeNumber, 1)
    .action((options: { port: number; host: string; seed: number }) => finish(simulate(terminal, options)))
  command(
    'demo',
    'simulated provider, proxy, store and real SDK traffic: what ClickHouse saw of it, then four candidates on trial',
  )
    .addOption(
      new Option('--act <act>', 'what is played: all, calls alone, or rollouts alone')
        .choices(['all', 'calls', 'rollouts'] as const)
        .default('all'),
    )
    .option('-n, --requests <count>', 'how many requests to send', count, 200)
    .option('--seed <seed>', 'same seed, same traffic', wholeNumber, 1)
    .option('--keep', 'leave the data directory behind, and say where it is', false)
    .action((options: { act: 'all' | 'calls' | 'rollouts'; requests: number; seed: number; keep: boolean }) =>
      finish(import('./demo.ts').then(({ demo }) => demo(terminal, options))),
    )
  command('schema', 'write config/understudy.schema.json for editors').action(() => finish(writeSchema(terminal)))

  try {
    await program.parseAsync(process.argv)
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    terminal.complain(`understudy: ${sayWhy(error, process.cwd())}`)
    return 1
  }
}

async function withLoaded(
  terminal: Terminal,
  file: string,
  action: (source: ConfigSource, loaded: Loaded) => Promise<number>,
): Promise<number> {
  const source = sourceOf(terminal, file)
  const result = await loadConfig(source)
  if ('config' in result) return action(source, result)
  for (const fault of result.faults) terminal.complain(formatFault(fault))
  for (const line of adviceFor(terminal, file)) terminal.complain(line)
  terminal.complain(`understudy: ${file} is not a config that can be used; nothing was started.`)
  return 1
}

function adviceFor({ process }: Terminal, file: string): readonly string[] {
  return configAdvice({ cwd: process.cwd(), file, variable: process.env['UNDERSTUDY_CONFIG'] })
}

function sourceOf({ process }: Terminal, file: string): ConfigSource {
  return { file, environment: process.env, baseDir: process.cwd() }
}

/** Who read along has gone (`| head`): no reason for a command to fail, and least of all for a proxy to end. */
function ignoreNobodyListening(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(text)
}

/** Of none there would be nothing to show. */
function count(text: string): number {
  const number = wholeNumber(text)
  if (number === 0) throw new InvalidArgumentError('Expected a whole number of 1 or more.')
  return number
}

function port(text: string): number {
  const number = wholeNumber(text)
  if (number > 65_535) throw new InvalidArgumentError('Expected a port from 0 (any free one) to 65535.')
  return number
}

function workerCount(text: string): number | 'auto' {
  if (text === 'auto') return text
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= MAX_WORKERS) return count
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${MAX_WORKERS}, or auto.`)
}

function clusterName(text: string): string {
  if (!/^[\w-]{1,63}$/.test(text)) throw new InvalidArgumentError('Expected letters, digits, - and _.')
  return text
}

function day(text: string): string {
  if (!isDay(text)) throw new InvalidArgumentError('Expected a day such as 2026-11-20.')
  return text
}

function time(text: string): string {
  if (timeOf(text) === undefined) throw new InvalidArgumentError('Expected a time such as 2026-11-20T12:00:00Z.')
  return text
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value]
}
