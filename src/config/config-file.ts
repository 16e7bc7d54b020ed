import { readFile } from 'node:fs/promises'
import { policyVersion } from './policy-version.ts'

/** What is on disk under a name at one moment. */
export type FileReading =
  | { readonly kind: 'read'; readonly bytes: Uint8Array; readonly version: string }
  /** `code` as the operating system says it: `ENOENT`, `EACCES`, `EISDIR` … */
  | { readonly kind: 'unreadable'; readonly code: string }

/** Reads `file` once. Never throws: a file that is not there is a reading too. */
export async function readConfigFile(file: string): Promise<FileReading> {
  try {
    const bytes = await readFile(file)
    return { kind: 'read', bytes, version: policyVersion(bytes) }
  } catch (error) {
    return { kind: 'unreadable', code: errorCode(error) }
  }
}

/** Equal for readings of equal content, different for all others. */
export function fingerprint(reading: FileReading): string {
  return reading.kind === 'read' ? reading.version : reading.code
}

/** The operating system's code for a failed file operation; `UNKNOWN` for any other error. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN'
}
