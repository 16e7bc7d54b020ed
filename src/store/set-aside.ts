import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Keeps `bytes` as `<dir>/dead/<name>` for a person to look at: rows that nothing will store as they are. */
export async function setAside(dir: string, name: string, bytes: Buffer): Promise<void> {
  const dead = join(dir, 'dead')
  await mkdir(dead, { recursive: true, mode: 0o700 })
  await writeFile(join(dead, name), bytes, { mode: 0o600 })
}
