import { formatFault } from '../config/fault.ts'
import type { ReloadOutcome, ReloadTrigger } from '../config/reload.ts'
import type { Policy } from '../domain/policy.ts'
import type { Log } from '../domain/ports.ts'
import type { EpochMs } from '../domain/units.ts'
import { createPriceBook } from '../pricing/price-book.ts'
import { configNotices } from './config-notices.ts'

/** One line for each look at the config that led to something, and for each thing that the policy now in force asks for in vain. */
export function logReload(
  log: Log,
  outcome: ReloadOutcome,
  trigger: ReloadTrigger,
  inForce: { readonly policy: Policy; readonly at: EpochMs },
): void {
  switch (outcome.kind) {
    case 'applied': {
      log.info('policy_applied', { trigger, version: outcome.version, restartNeeded: outcome.restartNeeded })
      const { policy, at } = inForce
      for (const notice of configNotices(policy, createPriceBook(policy).price, at))
        log.warn('policy_notice', { notice })
      return
    }
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
