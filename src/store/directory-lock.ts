import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, statSync, unlinkSync } from 'node:fs'
import { utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { World } from '../domain/ports.ts'

/** Who holds a directory. `startTicks` tells a process from a later one that was given the same id. */
type Holder = { readonly pid: number; readonly startTicks: string; readonly machine: string }

const BEAT_MS = 500
/** A holder whose process cannot be seen from here is taken for dead after this many milliseconds without a beat. */
const SILENCE_MS = 2500

/**
 * Makes this process the only one that uses `dir`, which must exist, and gives back the way to let it go. Takes over
 * from a dead holder. Throws when a live process holds it, and names that process.
 */
export async function lockDirectory(dir: string, world: World): Promise<() => void> {
  const self = thisProcess()
  // The name says it all and the file stays empty: that works on a full disk, and there is no half-written lock.
  const path = join(dir, `lock.${self.pid}.${self.startTicks}.${self.machine}`)
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw inUse(dir, self, error)
    throw error
  }
  const beat = setInterval(() => {
    utimes(path, world.now() / 1000, world.now() / 1000).catch(() => {})
  }, BEAT_MS).unref()
  const release = () => {
    clearInterval(beat)
    removeIfThere(path)
  }
  try {
    // Everyone writes first and looks second. Of two that start at once the second looker sees the first, so that
    // both may be turned away, but never both let in.
    for (const name of readdirSync(dir)) {
      const other = join(dir, name)
      const holder = other === path ? undefined : holderOf(name)
      if (holder === undefined) continue
      const isAlive = holder.machine === self.machine ? isRunning(holder) : await isBeating(other)
      if (isAlive) throw inUse(dir, holder)
      removeIfThere(other)
    }
  } catch (error) {
    release()
    throw error
  }
  return release
}

function inUse(dir: string, { pid, machine }: Holder, cause?: Error): Error {
  return new Error(
    `The spool directory ${dir} is in use by process ${pid} on ${machine.replace(/-pid--\d+-$/, '')}. Every proxy process ` +
      'needs a spool of its own: stop that process, or give this one another data directory.',
    { cause },
  )
}

/** Undefined for a file that is no lock. */
function holderOf(name: string): Holder | undefined {
  const [, pid, startTicks, machine] = /^lock\.(\d+)\.(\d*)\.(.+)$/.exec(name) ?? []
  if (pid === undefined || startTicks === undefined || machine === undefined) return undefined
  return { pid: Number(pid), startTicks, machine }
}

function thisProcess(): Holder {
  return { pid: process.pid, startTicks: processFacts(process.pid).startTicks, machine: machineName() }
}

/** Host and process namespace (a container has its own): only within both does a process id mean the same thing. */
function machineName(): string {
  return `${hostname()}-${processNamespace()}`.replaceAll(/[^\w-]/g, '-')
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
  const after = modifiedAt(path)
  return after !== undefined && after !== before
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
