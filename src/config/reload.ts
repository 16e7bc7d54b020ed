import type { Boot } from '../domain/policy.ts'
import type { Cell, Closable, World } from '../domain/ports.ts'
import type { RoutingState } from '../domain/state.ts'
import type { EpochMs } from '../domain/units.ts'
import { bootChanges } from './boot-changes.ts'
import { fingerprint, readConfigFile } from './config-file.ts'
import type { Fault } from './fault.ts'
import { checkReading, configPath, type ConfigSource, type Loaded, type LoadResult } from './load-config.ts'
import { policyVersion } from './policy-version.ts'
import { watchConfig } from './watch.ts'
import { writeAtomically, type Written } from './write-atomically.ts'

/** What became of one look at the file, or of one text that was to replace it. */
export type ReloadOutcome =
  /** The policy of `version` is in force. `restartNeeded`: keys that differ but take effect at the next start only. */
  | { readonly kind: 'applied'; readonly version: string; readonly restartNeeded: readonly string[] }
  | { readonly kind: 'unchanged'; readonly version: string; readonly restartNeeded: readonly string[] }
  /** The last good policy stays in force. */
  | { readonly kind: 'rejected'; readonly faults: readonly Fault[] }
  /**
   * The text is good but could not be written, so it was not applied either: the file stays the base of everything.
   * Unless `isIntact`, the file is damaged and the last good policy serves on without it.
   */
  | Exclude<Written, { readonly kind: 'written' }>

export type ReloadTrigger = 'file' | 'signal' | 'admin'

export type ReloadStatus = {
  /** Of the policy in force. */
  readonly version: string
  readonly appliedAt: EpochMs
  /** What is on disk and not in force; undefined while the file is the one in force. */
  readonly rejected: { readonly faults: readonly Fault[]; readonly since: EpochMs } | undefined
  readonly restartNeeded: readonly string[]
}

export type ConfigReloader = Closable & {
  readonly status: () => ReloadStatus
  /** The config whose policy is in force; when the state is swapped, already the new one. */
  readonly inForce: () => Loaded
  /** Reads the file now (SIGHUP). */
  readonly reload: () => Promise<ReloadOutcome>
  /** Checks `text`, makes it the file's content and applies it (admin PUT). */
  readonly apply: (text: string) => Promise<ReloadOutcome>
}

export type ReloaderOptions = {
  readonly source: ConfigSource
  /** What the process was started with. */
  readonly loaded: Loaded
  /** Gets the new policy and its version swapped in; everything else in it stays. */
  readonly state: Cell<RoutingState>
  readonly now: World['now']
  /** For the log and the metrics. Must not throw. */
  readonly onOutcome: (outcome: ReloadOutcome, trigger: ReloadTrigger) => void
  readonly pollMs?: number
  readonly settleMs?: number
}

/**
 * Keeps the policy in force equal to the file for as long as it runs. A file that is faulty or gone leaves the last
 * good policy in force, is remembered with its faults, and counts again as soon as it is mended.
 */
export function startReloader(options: ReloaderOptions): ConfigReloader {
  const { source, state, now, onOutcome } = options
  const path = configPath(source)
  const running: Boot = options.loaded.config.boot
  let status: ReloadStatus = {
    version: options.loaded.version,
    appliedAt: now(),
    rejected: undefined,
    restartNeeded: [],
  }
  let inForce = options.loaded
  const oneAtATime = queue()

  function take(result: LoadResult): ReloadOutcome {
    if ('faults' in result) {
      status = { ...status, rejected: { faults: result.faults, since: now() } }
      return { kind: 'rejected', faults: result.faults }
    }
    const { config, version } = result
    const restartNeeded = bootChanges(running, config.boot)
    if (version === status.version) {
      status = { ...status, rejected: undefined, restartNeeded }
      return { kind: 'unchanged', version, restartNeeded }
    }
    inForce = result
    state.swap((previous) => ({ ...previous, policy: config.policy, policyVersion: version }))
    status = { version, appliedAt: now(), rejected: undefined, restartNeeded }
    return { kind: 'applied', version, restartNeeded }
  }

  function told(outcome: ReloadOutcome, trigger: ReloadTrigger): ReloadOutcome {
    onOutcome(outcome, trigger)
    return outcome
  }

  async function takeSettled(seen: string): Promise<void> {
    const reading = await readConfigFile(path)
    // Changed again since it settled: the watch will come back with that.
    if (fingerprint(reading) === seen) told(take(checkReading(reading, source)), 'file')
  }

  async function applyText(text: string): Promise<ReloadOutcome> {
    const bytes = Buffer.from(text, 'utf8')
    const version = policyVersion(bytes)
    const checked = checkReading({ kind: 'read', bytes, version }, source)
    // Said to whoever sent it, and not remembered: the file itself is as good as it was.
    if ('faults' in checked) return { kind: 'rejected', faults: checked.faults }
    const written = await writeAtomically(path, bytes, version)
    return written.kind === 'written' ? take(checked) : written
  }

  const watching = watchConfig({
    file: path,
    known: options.loaded.version,
    onChange: (seen) => oneAtATime(() => takeSettled(seen)),
    ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
    ...(options.settleMs === undefined ? {} : { settleMs: options.settleMs }),
  })
  return {
    status: () => status,
    inForce: () => inForce,
    reload: () => oneAtATime(async () => told(take(checkReading(await readConfigFile(path), source)), 'signal')),
    apply: (text) => oneAtATime(async () => told(await applyText(text), 'admin')),
    close: watching.close,
  }
}

/** Runs jobs one after the other in the order in which they came, whatever becomes of each. */
function queue(): <T>(job: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (job) => {
    const result = last.then(job)
    last = result.catch(() => undefined)
    return result
  }
}
