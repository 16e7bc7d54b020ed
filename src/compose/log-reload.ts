import { formatFault } from '../config/fault.ts'
import type { ReloadOutcome, ReloadTrigger } from '../config/reload.ts'
import type { Log } from '../domain/ports.ts'

/** One line for each look at the config that led to something. */
export function logReload(log: Log, outcome: ReloadOutcome, trigger: ReloadTrigger): void {
  switch (outcome.kind) {
    case 'applied':
      return log.info('policy_applied', { trigger, version: outcome.version, restartNeeded: outcome.restartNeeded })
    case 'unchanged':
      return
    case 'rejected':
      return log.error('policy_rejected', {
        trigger,
        faults: outcome.faults.map(formatFault),
        detail: 'The last good policy stays in force.',
      })
    case 'unwritable':
      return log.error('policy_unwritable', { trigger, code: outcome.code, isIntact: outcome.isIntact })
  }
}
