import { readdirSync, readFileSync } from 'node:fs'

/** One process as /proc shows it. `cpuTicks` counts user and system time, threads and reaped children included. */
type Seen = {
  readonly pid: number
  readonly parent: number
  readonly cpuTicks: number
  readonly command: string
  readonly rssKb: number
}

/** What a contender has used so far: its own processes, and those of its ClickHouse in a column of their own. */
export type Usage = {
  readonly cpuMs: number
  readonly storeCpuMs: number
  readonly rssMb: number
  readonly storeRssMb: number
}

/** Linux counts CPU time in hundredths of a second for every program (`getconf CLK_TCK`). */
const TICK_MS = 10

/** CPU and memory of `root` and all its descendants; undefined where there is no /proc (not Linux) or no such process. */
export function usageOf(root: number, store: RegExp): Usage | undefined {
  const family = familyOf(root)
  if (family.length === 0) return undefined
  const sum = (isStore: boolean, of: (seen: Seen) => number): number =>
    family.reduce((total, seen) => total + (store.test(seen.command) === isStore ? of(seen) : 0), 0)
  return {
    cpuMs: sum(false, (seen) => seen.cpuTicks) * TICK_MS,
    storeCpuMs: sum(true, (seen) => seen.cpuTicks) * TICK_MS,
    rssMb: sum(false, (seen) => seen.rssKb) / 1024,
    storeRssMb: sum(true, (seen) => seen.rssKb) / 1024,
  }
}

/** CPU time that the whole machine has spent since it started, in milliseconds; undefined where there is no /proc. */
export function machineCpuMs(): number | undefined {
  try {
    const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'latin1')
      .slice(5, 200)
      .trim()
      .split(/\s+/)
      .map(Number)
    return [user, nice, system, irq, softirq, steal].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0) * TICK_MS
  } catch {
    return undefined
  }
}

/** The pids of `root` and all its descendants, root first. */
export function pidsOf(root: number): number[] {
  return familyOf(root).map((seen) => seen.pid)
}

function familyOf(root: number): Seen[] {
  const all = everyProcess()
  const family = all.filter((seen) => seen.pid === root)
  for (const member of family) family.push(...all.filter((seen) => seen.parent === member.pid))
  return family
}

function everyProcess(): Seen[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => look(Number(name)) ?? [])
  } catch {
    return []
  }
}

function look(pid: number): Seen | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The command's name stands in parentheses and may hold spaces and parentheses itself: count from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [utime, stime, childUtime, childStime] = fields.slice(11, 15).map(Number)
    return {
      pid,
      parent: Number(fields[1]),
      cpuTicks: (utime ?? 0) + (stime ?? 0) + (childUtime ?? 0) + (childStime ?? 0),
      command: readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' '),
      rssKb: Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0),
    }
  } catch {
    // It ended between the listing and the look.
    return undefined
  }
}
