import { readdirSync, readFileSync, readlinkSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { World } from '../domain/ports.ts'

/** Who holds a directory. `startTicks` tells a process from a later one that was given the same id. */
type Holder = { readonly pid: number; readonly startTicks: string; readonly machine: string }

const SUFFIX = '.lock'
const BEAT_MS = 500
/** A holder whose process cannot be seen from here is taken for dead after this many milliseconds without a beat. */
const SILENCE_MS = 2500

/**
 * Makes this process the only one that uses `dir`, which must exist, and gives back the way to let it go. Takes over
 * from a dead holder. Throws when a live process holds it, and names that process.
 */
export async function lockDirectory(dir: string, world: World): Promise<() => void> {
  const path = join(dir, `${world.newId()}${SUFFIX}`)
  const self = holderOf(process.pid)
  writeFileSync(path, JSON.stringify(self), { flag: 'wx', mode: 0o600 })
  // Everyone writes first and looks second. Of two that start at once the second looker sees the first, so that both
  // may be turned away, but never both let in.
  const beat = setInterval(() => {
    utimes(path, world.now() / 1000, world.now() / 1000).catch(() => {})
  }, BEAT_MS).unref()
  const release = () => {
    clearInterval(beat)
    removeIfThere(path)
  }
  try {
    for (const name of readdirSync(dir)) {
      const other = join(dir, name)
      if (!name.endsWith(SUFFIX) || other === path) continue
      await refuseOrRemove(dir, other, self)
    }
  } catch (error) {
    release()
    throw error
  }
  return release
}

async function refuseOrRemove(dir: string, path: string, self: Holder): Promise<void> {
  const holder = readHolder(path)
  const isAlive = holder?.machine === self.machine ? isRunning(holder) : await isBeating(path)
  if (isAlive) {
    const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.machine}`
    throw new Error(
      `The spool directory ${dir} is in use by ${who}. Every proxy process needs a spool of its own: ` +
        'stop that process, or give this one another data directory.',
    )
  }
  removeIfThere(path)
}

/** The same machine and process namespace: only there does a process id mean the same thing to both. */
function holderOf(pid: number): Holder {
  return { pid, startTicks: processFacts(pid).startTicks, machine: `${hostname()} ${processNamespace()}`.trim() }
}

function isRunning({ pid, startTicks }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, as somebody else.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  const now = processFacts(pid)
  return now.startTicks === startTicks && !now.isDead
}

/** Whether the lock's holder renews its time stamp. Compares the stamp with itself: clocks may differ. */
async function isBeating(path: string): Promise<boolean> {
  const before = modifiedAt(path)
  await sleep(SILENCE_MS)
  return modifiedAt(path) !== before
}

function modifiedAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs
}

/** What /proc says of a process: its start in clock ticks since boot, '' where there is no /proc to ask. */
function processFacts(pid: number): { startTicks: string; isDead: boolean } {
  // Fields from the third on; the second, the name, is in parentheses and may hold spaces and parentheses of its own.
  const stat = readOrEmpty(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // A zombie answers to signals until its parent asks after it, which may be never; it writes no more.
  return { startTicks: fields[19] ?? '', isDead: fields[0] === 'Z' || fields[0] === 'X' }
}

function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

/** Undefined for a lock that is only just being written, or whose writing was cut short. */
function readHolder(path: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(readOrEmpty(path))
    if (typeof holder !== 'object' || holder === null) return undefined
    if (!('pid' in holder && 'startTicks' in holder && 'machine' in holder)) return undefined
    const { pid, startTicks, machine } = holder
    if (typeof pid !== 'number' || typeof startTicks !== 'string' || typeof machine !== 'string') return undefined
    return { pid, startTicks, machine }
  } catch {
    return undefined
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Removed by whoever found its holder dead, or the directory is gone with everything in it.
  }
}
