import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** A password that nobody has to type: 144 bits, URL-safe. */
export function newPassword(): string {
  return randomBytes(18).toString('base64url')
}

/**
 * The password kept in `file`, made on first use and readable by its owner only. Kept, so that a dashboard set up
 * once goes on working. Throws when the file can be neither read nor made.
 */
export function keptPassword(file: string): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const fresh = newPassword()
  try {
    writeFileSync(file, `${fresh}\n`, { mode: 0o600, flag: 'wx' })
    return fresh
  } catch (cause) {
    if (!isFileExists(cause)) throw cause
  }
  chmodSync(file, 0o600)
  const kept = readFileSync(file, 'utf8').trim()
  if (kept !== '') return kept
  // Emptied, or cut by a crash between creating and writing: nobody can be using it.
  writeFileSync(file, `${fresh}\n`, { mode: 0o600 })
  return fresh
}

function isFileExists(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}
