import { setTimeout as delay } from 'node:timers/promises'
import type { ReadinessFacts } from '../admin/ports.ts'
import type { World } from '../domain/ports.ts'

const LOOK_EVERY_MS = 200
/** A minute: segments are closed after a second, and a store that is well takes them at once. */
const MOST_LOOKS = 300

/** Resolves when every row made before now, by whichever process, is stored; rejects when that takes too long. */
export async function rowsSettled(
  serving: () => Promise<Pick<ReadinessFacts, 'spool'>>,
  now: World['now'],
  signal: AbortSignal,
): Promise<void> {
  const since = now()
  for (let look = 0; look < MOST_LOOKS; look += 1) {
    const { spool } = await serving()
    if (spool.oldestAt === undefined || spool.oldestAt > since) return
    await delay(LOOK_EVERY_MS, undefined, { signal })
  }
  throw new Error('Rows wait in the spool and the store does not take them; nothing was erased. See /readyz.')
}
