import { join } from 'node:path'
import { redactedText } from '../config/redacted-text.ts'
import type { ConfigReloader } from '../config/reload.ts'
import type { LiveChangesOptions } from '../store/live-changes.ts'

/** Where live changes are kept, and how the policy in force is told without its secrets. */
export function liveParts(
  dataDir: string,
  reloader: Pick<ConfigReloader, 'inForce'>,
): Pick<LiveChangesOptions, 'file' | 'policyText'> {
  return {
    file: join(dataDir, 'live-changes.json'),
    policyText: () => redactedText(reloader.inForce().text),
  }
}
