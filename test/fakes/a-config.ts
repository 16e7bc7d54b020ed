import type { Config } from '../../src/domain/policy.ts'
import { formatFault } from '../../src/config/fault.ts'
import type { Environment } from '../../src/config/interpolate.ts'
import { parseConfig } from '../../src/config/load.ts'

/** A provider that is right, for files that are about something else. */
export const PROVIDERS = 'providers:\n  openai:\n    dialect: openai\n    base_url: https://api.openai.com\n'

/** The fault lines of a file called `u.yaml`; none where it is good. */
export function faultsOf(text: string, environment: Environment = {}): string[] {
  const result = parseConfig(text, 'u.yaml', environment, '/base')
  return 'faults' in result ? result.faults.map(formatFault) : []
}

/** The config of a file that must be good. */
export function configOf(text: string, environment: Environment = {}): Config {
  const result = parseConfig(text, 'u.yaml', environment, '/base')
  if ('faults' in result) throw new Error(result.faults.map(formatFault).join('\n'))
  return result.config
}
