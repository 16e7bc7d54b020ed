import { join } from 'node:path'
import type { ConfigSource } from '../config/load-config.ts'
import { redactedText } from '../config/redacted-text.ts'
import type { ConfigReloader } from '../config/reload.ts'
import { variablesWithValue } from '../config/variables.ts'
import type { LiveChangesOptions } from '../store/live-changes.ts'

/** Where live changes are kept, and how the policy in force is told without its secrets. */
export function liveParts(
  dataDir: string,
  { environment }: Pick<ConfigSource, 'environment'>,
  reloader: Pick<ConfigReloader, 'inForce'>,
): Pick<LiveChangesOptions, 'file' | 'keptPolicy'> {
  return {
    file: join(dataDir, 'live-changes.json'),
    keptPolicy: () => {
      const { text } = reloader.inForce()
      return { text: redactedText(text), variables: variablesWithValue(text, environment) }
    },
  }
}
