import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDurationMs } from '../config/duration.ts'
import type { Config } from '../domain/policy.ts'
import { type AnswerFormat, formatOption } from './answer-format.ts'
import { explainWeights } from './explain-weights.ts'
import { showEffectiveness } from './show-effectiveness.ts'
import { replayWeights } from './replay-weights.ts'
import type { Terminal } from './terminal.ts'
import { listWeights, pinTargets, resetWeights, setWeights, showHistory, type ChangeOptions } from './weights.ts'

export type WeightsCommandsOptions = {
  readonly terminal: Terminal
  readonly defaultConfig: string
  /** Loads the config of a command and runs it. */
  readonly withConfig: (file: string, action: (config: Config) => Promise<number>) => Promise<void>
  readonly wholeNumber: (text: string) => number
}

/** `weights list | set | pin | unpin | reset | history | explain | replay`, below `weights`. */
export function addWeightsCommands(
  weights: Command,
  { terminal, defaultConfig, withConfig, wholeNumber }: WeightsCommandsOptions,
): void {
  const user = terminal.process.env['USER'] ?? ''
  const command = (name: string, description: string): Command =>
    weights
      .command(name)
      .description(description)
      .option('-c, --config <file>', 'config file; UNDERSTUDY_CONFIG names it for all commands', defaultConfig)
  const change = (name: string, description: string): Command =>
    command(name, description)
      .argument('<route>')
      .option('-r, --reason <text>', 'why, for the record', '')
      .addOption(new Option('--actor <name>', 'who, for the record').default(user))

  type Given = ChangeOptions & { readonly config: string }
  command('list', 'show the weights of every route')
    .addOption(formatOption())
    .action((options: Given & { readonly format: AnswerFormat }) =>
      withConfig(options.config, (config) => listWeights(terminal, config, options.format)),
    )
  change('set', 'change weights; what is not named stays')
    .argument('<target=weight...>', 'such as openai/gpt-5=20')
    .action((route: string, pairs: string[], options: Given) =>
      withConfig(options.config, (config) => setWeights(terminal, config, route, pairs, options)),
    )
  change('pin', 'keep anything automatic from moving these targets')
    .argument('<target...>')
    .action((route: string, targets: string[], options: Given) =>
      withConfig(options.config, (config) => pinTargets(terminal, config, route, { targets, isPinned: true }, options)),
    )
  change('unpin', 'let these targets be moved again')
    .argument('<target...>')
    .action((route: string, targets: string[], options: Given) =>
      withConfig(options.config, (config) =>
        pinTargets(terminal, config, route, { targets, isPinned: false }, options),
      ),
    )
  change('reset', 'back to the weights of the file').action((route: string, options: Given) =>
    withConfig(options.config, (config) => resetWeights(terminal, config, route, options)),
  )
  command('history', 'show who changed what, when and why')
    .argument('[route]')
    .option('-n, --limit <count>', 'how many', wholeNumber, 20)
    .action((route: string | undefined, options: Given & { readonly limit: number }) =>
      withConfig(options.config, (config) => showHistory(terminal, config, route, options.limit)),
    )
  command(
    'explain',
    'show the last decision of the feedback loop: what is known of each target, and what follows from it',
  )
    .argument('<route>')
    .action((route: string, options: Given) =>
      withConfig(options.config, (config) => explainWeights(terminal, config, route)),
    )
  command('effectiveness', 'what routing has brought: savings, quality, fallbacks, how often the right model answered')
    .argument('<route>')
    .option(
      '--baseline <target>',
      'the model that would have answered everything; default: the reference, or the first',
    )
    .addOption(
      new Option('--since <duration>', 'how far to look back').argParser(duration).default(7 * 24 * 3_600_000, '7d'),
    )
    .action((route: string, options: Given & { readonly baseline?: string; readonly since: number }) =>
      withConfig(options.config, (config) =>
        showEffectiveness(terminal, config, { route, baseline: options.baseline, sinceMs: options.since }),
      ),
    )
  command('replay', 'make every stored decision about weights again from its row, and compare')
    .argument('[route]')
    .action((route: string | undefined, options: Given) =>
      withConfig(options.config, (config) => replayWeights(terminal, config, route)),
    )
}

function duration(text: string): number {
  const milliseconds = parseDurationMs(text)
  if (milliseconds === undefined) throw new InvalidArgumentError('Expected a duration such as 90m, 24h or 7d.')
  return milliseconds
}
