import { readdir, readFile, rm } from 'node:fs/promises'
import { join, sep } from 'node:path'

/**
 * Deletes the files of rows that nothing would store (`dead` below a spool) and that name `user`. Resolves to how many
 * there were; a dry run leaves them.
 */
export async function eraseDead(spoolDir: string, user: string, isDryRun: boolean): Promise<number> {
  const names = await readdir(spoolDir, { recursive: true }).catch(() => [])
  let count = 0
  for (const name of names) {
    if (!name.split(sep).slice(0, -1).includes('dead')) continue
    const path = join(spoolDir, name)
    if (!namesUser(await readFile(path, 'utf8'), user)) continue
    count += 1
    if (!isDryRun) await rm(path, { force: true })
  }
  return count
}

/** Whether `text` has the name as a text of JSON, be it JSON within JSON. */
function namesUser(text: string, user: string): boolean {
  const once = JSON.stringify(user)
  return text.includes(once) || text.includes(JSON.stringify(once).slice(1, -1))
}
