import { join } from 'node:path'
import { keptPassword } from './embedded/passwords.ts'

/**
 * The key by which prompts and answers are hashed, kept in the data directory and readable by its owner only. With it
 * whoever knows a text could look for it in the table; without it nobody can. Other data directories have other keys.
 */
export function keptContentKey(dataDir: string): string {
  return keptPassword(join(dataDir, 'content-hash-key'))
}
