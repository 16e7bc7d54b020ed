import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JournalEntry } from '../../src/domain/changes/journal-entry.ts'
import type { World } from '../../src/domain/ports.ts'
import { openRolloutLog, type RolloutLog } from '../../src/rollout/rollout-log.ts'
import { quietLog } from './clickhouse.ts'
import { anId } from './ids-at.ts'

/** A clock that goes on by a millisecond whenever it is read. */
export function aTickingWorld(): World {
  let [now, ids] = [1_000, 0]
  return { now: () => (now += 1), newId: () => anId(now, (ids += 1)), monotonic: () => now }
}

/** What an instance knows of rollouts, over a journal in `rows`: of several rows for one revision the first stays. */
export async function aRolloutLog(
  rows: JournalEntry[],
  world: World,
  policyVersion: () => string = () => 'v1',
): Promise<RolloutLog & { readonly discard: () => Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-rollout-log-'))
  const log = await openRolloutLog({
    file: join(dir, 'rollouts.json'),
    journal: {
      append: async (entry) => {
        if (!rows.some(({ name, revision }) => name === entry.name && revision === entry.revision)) rows.push(entry)
        return { kind: 'sent' }
      },
      look: async () => {
        log.follower.take(rows)
        return true
      },
    },
    instance: 'test',
    policyVersion,
    isWanted: () => true,
    onChange: () => {},
    world,
    log: quietLog,
  })
  return {
    ...log,
    discard: async () => {
      await log.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
