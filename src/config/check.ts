import type { AuditPolicy } from '../domain/audit.ts'
import type { Config, Policy, Provider, StoreSettings } from '../domain/policy.ts'
import type { Shadow } from '../domain/shadow/shadow.ts'
import type { Unit } from '../domain/units.ts'
import { describeContent } from './describe-content.ts'
import { describeRollout } from './describe-rollout.ts'
import { describeRoute } from './describe-route.ts'
import { OWN_KEY_FORM } from '../domain/provider-traits.ts'
import { formatDurationMs } from './duration.ts'
import { formatFault } from './fault.ts'
import { formatListen } from './listen-address.ts'
import { type ConfigSource, loadConfig } from './load-config.ts'
import { formatSizeBytes } from './size.ts'

export type Checked =
  | { readonly ok: true; readonly lines: readonly string[]; readonly config: Config }
  | { readonly ok: false; readonly lines: readonly string[] }

/**
 * Checks a config file without starting anything. `lines` are for a terminal: every fault, or what the file means.
 * Never holds a secret: of keys and tokens it says only whether they are set.
 */
export async function checkConfig(source: ConfigSource): Promise<Checked> {
  const result = await loadConfig(source)
  if ('config' in result) {
    const { config, version } = result
    return { ok: true, lines: describeConfig(source.file, version, config), config }
  }
  const count = result.faults.length
  const summary = `${source.file} has ${count === 1 ? 'one fault' : `${count} faults`}; nothing was applied.`
  return { ok: false, lines: [...result.faults.map(formatFault), summary] }
}

function describeConfig(file: string, version: string, { boot, policy }: Config): string[] {
  const { admin, spool } = boot
  return [
    `${file} is good: policy ${version}`,
    `  data port   ${formatListen(boot.data)}${describeWorkers(boot.workers)}`,
    `  admin port  ${formatListen(admin)}, ${admin.token === undefined ? 'no token: this machine only' : 'token set'}`,
    `  data dir    ${boot.dataDir}, spool up to ${formatSizeBytes(spool.maxBytes)}`,
    `  store       ${describeStore(boot.store)}`,
    ...[...policy.providers.values()].map((provider) => `  provider    ${describeProvider(provider)}`),
    ...policy.routing.routes.map((route) => `  route       ${describeRoute(route)}`),
    ...policy.shadows
      .filter(({ rollout }) => rollout === undefined)
      .map((shadow) => `  shadow      ${describeShadow(shadow)}`),
    ...policy.rollouts.map((rollout) => `  rollout     ${describeRollout(rollout)}`),
    ...describeScoring(policy),
    ...policy.audits.map((audit) => `  audit       ${describeAudit(audit)}`),
    `  content     ${describeContent(policy.content, policy.retention.contentsDays)}`,
    `  prices      ${policy.prices.length} of your own`,
  ]
}

function describeShadow({ name, sample, candidates, isEnabled }: Shadow): string {
  const to = candidates.map(({ key }) => key).join(', ')
  return `${name}: ${percentOf(sample)} of what it matches also to ${to}${isEnabled ? '' : '; off'}`
}

function describeScoring({ scoring }: Policy): readonly string[] {
  if (scoring === undefined) return []
  const { judge, liveShare } = scoring
  return [
    ...(judge === undefined
      ? []
      : [
          `  judge       ${judge.provider}/${judge.model}, of ${percentOf(judge.pairShare)} of the pairs and ${percentOf(judge.liveShare)} of live answers`,
        ]),
    ...(liveShare === 0 ? [] : [`  evaluators  of ${percentOf(liveShare)} of live answers`]),
  ]
}

function describeAudit({ name, questionsFile, everyMs }: AuditPolicy): string {
  return `${name}: ${questionsFile}, every ${formatDurationMs(everyMs)}`
}

/** 0.07 × 100 is 7.000000000000001. */
function percentOf(share: Unit): string {
  return `${Math.round(share * 1e6) / 1e4}%`
}

function describeWorkers(workers: Config['boot']['workers']): string {
  if (workers === 1) return ''
  return workers === 'auto' ? ', one worker per core' : `, ${workers} workers`
}

function describeProvider(provider: Provider): string {
  const longest = formatDurationMs(provider.firstByteTimeoutMs)
  const kind = provider.kind === undefined || provider.kind === provider.name ? '' : `, kind ${provider.kind}`
  return `${provider.name} (${provider.dialect}${kind}) ${provider.baseUrl.href.replace(/\/$/, '')}, ${describeKey(provider)}, first byte within ${longest}`
}

function describeKey({ apiKey, auth, dialect }: Provider): string {
  if (auth === 'none') return 'no key sent'
  if (apiKey === undefined) return "the client's own key"
  return auth === OWN_KEY_FORM[dialect] ? 'server key set' : `server key set (${auth})`
}

function describeStore(store: StoreSettings): string {
  switch (store.kind) {
    case 'embedded':
      return `embedded ClickHouse, port ${store.port}, memory up to ${formatSizeBytes(store.maxMemoryBytes)}`
    case 'url':
      return `ClickHouse at ${store.url}, database ${store.database}, user ${store.username}`
    case 'none':
      return 'none: nothing is recorded'
  }
}
