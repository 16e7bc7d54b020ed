import { type Command, Option } from 'commander'
import type { Config } from '../domain/policy.ts'
import { type AnswerFormat, formatOption } from './answer-format.ts'
import { replayRollout } from './replay-rollout.ts'
import {
  changeRollout,
  estimateRollout,
  explainRollout,
  listRollouts,
  showRollout,
  type VerbOptions,
} from './rollouts.ts'
import type { Terminal } from './terminal.ts'

export type RolloutCommandsOptions = {
  readonly terminal: Terminal
  readonly defaultConfig: string
  /** Loads the config of a command and runs it. */
  readonly withConfig: (file: string, action: (config: Config) => Promise<number>) => Promise<void>
}

const VERBS = {
  start: 'let a draft begin with its first stage',
  pause: 'keep the candidate where it is; nothing but harm moves it until it is resumed',
  resume: 'let a paused rollout go on',
  rollback: 'send everybody back to the stable model, at once',
  abort: 'end it, without saying that the candidate was bad',
  retry: 'begin again what was rolled back, aborted or superseded',
  approve: 'let it leave a stage that waits for approval',
} as const

/** `rollout list | show | explain | estimate | replay` and the verbs, below `rollout`. */
export function addRolloutCommands(
  rollout: Command,
  { terminal, defaultConfig, withConfig }: RolloutCommandsOptions,
): void {
  const user = terminal.process.env['USER'] ?? ''
  const command = (name: string, description: string): Command =>
    rollout
      .command(name)
      .description(description)
      .option('-c, --config <file>', 'config file; UNDERSTUDY_CONFIG names it for all commands', defaultConfig)
  const about = (
    name: string,
    description: string,
    action: (terminal: Terminal, config: Config, name: string) => Promise<number>,
  ): Command =>
    command(name, description)
      .argument('<name>')
      .action((of: string, options: { config: string }) =>
        withConfig(options.config, (config) => action(terminal, config, of)),
      )
  type Given = VerbOptions & { readonly config: string }
  const verb = (name: string, description: string): Command =>
    command(name, description)
      .argument('<name>')
      .option('-r, --reason <text>', 'why, for the record', '')
      .addOption(new Option('--actor <name>', 'who, for the record').default(user))
      .action((of: string, options: Given) =>
        withConfig(options.config, (config) => changeRollout(terminal, config, of, name, options)),
      )

  command('list', 'show where every rollout stands')
    .addOption(formatOption())
    .action((options: { config: string; format: AnswerFormat }) =>
      withConfig(options.config, (config) => listRollouts(terminal, config, options.format)),
    )
  about('show', 'show one rollout, what it needs, and its history', showRollout)
  about('explain', 'show why a rollout is where it is, and what it still needs', explainRollout)
  about('estimate', "show about how long it takes to 100 % at today's traffic, at each pace", estimateRollout)
  about('replay', 'make every stored decision again out of its row, and compare', replayRollout)
  for (const [name, description] of Object.entries(VERBS)) verb(name, description)
  verb('promote', 'go on to the next stage without waiting for evidence').option(
    '--full',
    'to everybody but a small control',
    false,
  )
}
