import { readFile } from 'node:fs/promises'
import { formatListen, isWildcard } from '../config/listen-address.ts'
import type { Listen } from '../domain/policy.ts'
import type { Cell, Log, World } from '../domain/ports.ts'
import type { RoutingState } from '../domain/state.ts'
import { type AuditKeeper, createAuditKeeper } from '../evaluate/audit/audit-keeper.ts'
import { createPriceBook } from '../pricing/price-book.ts'
import type { Store } from '../store/store.ts'
import type { Closers } from './closers.ts'

export type OpenAuditsOptions = {
  readonly state: Cell<RoutingState>
  readonly store: Pick<Store, 'status' | 'audits'>
  /** Where the data port listens; undefined while it does not. */
  readonly listen: () => Listen | undefined
  /** As on the rows of this proxy. */
  readonly instance: string
  readonly world: World
  readonly log: Log
}

/** What runs the audits of the policy, through the proxy's own data port. */
export function openAudits(options: OpenAuditsOptions, closers: Closers): AuditKeeper {
  const { state, store, listen, instance, world, log } = options
  const holder = world.newId()
  const { policy: first } = state.current()
  const prices = createPriceBook(first)
  state.subscribe(({ policy }) => prices.setPolicy(policy))
  const keeper = createAuditKeeper({
    policy: () => state.current().policy,
    policyVersion: () => state.current().policyVersion,
    url: () => {
      const at = listen()
      return at === undefined ? undefined : urlOf(at)
    },
    records: {
      isReady: () => store.status().kind === 'ready',
      lastRun: store.audits.lastRun,
      answersOf: store.audits.answersOf,
      keepAnswers: (run, answers) => store.audits.keepAnswers(run, answers, instance),
      keepRun: (run) => store.audits.keepRun(run, instance),
      alone: (audit, work) => store.audits.alone(audit, holder, work),
    },
    price: prices.price,
    readFile: (path) => readFile(path, 'utf8'),
    world,
    log,
  })
  closers.add(keeper.close)
  return keeper
}

function urlOf({ host, port }: Listen): string {
  return `http://${formatListen({ host: isWildcard(host) ? '127.0.0.1' : host, port })}`
}
