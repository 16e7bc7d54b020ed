import { readFileSync } from 'node:fs'

/** For the spool, the store, the log, the admin port's 256 connections and what Node itself holds. */
const RESERVED_DESCRIPTORS = 384

/**
 * Most connections of clients that a process may hold with `descriptors` open files: one more for each goes to its
 * provider, and what records requests must never be without. Infinity where the limit is not known.
 */
export function connectionCap(descriptors: number): number {
  const reserved = Math.min(RESERVED_DESCRIPTORS, descriptors / 2)
  return Math.max(1, Math.floor((descriptors - reserved) / 2))
}

/** This process's limit of open files; Node raises it to the hard limit when it starts. Infinity where Linux does not tell. */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === undefined ? Infinity : Number(soft)
  } catch {
    return Infinity // no /proc: not Linux
  }
}
