import type { Boot, Listen } from '../domain/policy.ts'

/** Keys of the file whose values differ between `running` and `next`: they take effect at the next start only. */
export function bootChanges(running: Boot, next: Boot): readonly string[] {
  const differs: readonly (readonly [key: string, isDifferent: boolean])[] = [
    ['listen', !sameListen(running.data, next.data)],
    ['workers', running.workers !== next.workers],
    ['admin.listen', !sameListen(running.admin, next.admin)],
    ['admin.token', running.admin.token !== next.admin.token],
    ['admin.read_token', running.admin.readToken !== next.admin.readToken],
    ['data_dir', running.dataDir !== next.dataDir],
    // Built by the same function from the same keys, so equal settings have equal texts.
    ['store', JSON.stringify(running.store) !== JSON.stringify(next.store)],
    ['spool.max_size', running.spool.maxBytes !== next.spool.maxBytes],
    ['shutdown_deadline', running.shutdownDeadlineMs !== next.shutdownDeadlineMs],
    ['decider.tick', running.decider.tickMs !== next.decider.tickMs],
    ['decider.speed', running.decider.speed !== next.decider.speed],
  ]
  return differs.filter(([, isDifferent]) => isDifferent).map(([key]) => key)
}

function sameListen(one: Listen, other: Listen): boolean {
  return one.host === other.host && one.port === other.port
}
