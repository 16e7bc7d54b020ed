import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatListen, isWildcard } from '../config/listen-address.ts'
import type { Boot, Listen } from '../domain/policy.ts'

/** How to reach the proxy that runs on this data directory. */
export type Running = { readonly pid: number; readonly adminUrl: string; readonly token: string | undefined }

/** Leaves word for the other commands (decision 16). Readable by the owner only: it may hold the admin token. */
export async function rememberRunning(
  boot: Boot,
  facts: { readonly pid: number; readonly admin: Listen; readonly token: string | undefined },
): Promise<void> {
  const host = isWildcard(facts.admin.host) ? '127.0.0.1' : facts.admin.host
  const running: Running = {
    pid: facts.pid,
    adminUrl: `http://${formatListen({ host, port: facts.admin.port })}`,
    token: facts.token,
  }
  await mkdir(boot.dataDir, { recursive: true, mode: 0o700 })
  await rm(pathIn(boot), { force: true }) // a mode counts for a new file only, and whoever made the old one may read it
  await writeFile(pathIn(boot), `${JSON.stringify(running)}\n`, { mode: 0o600, flag: 'wx' })
}

export async function forgetRunning(boot: Boot): Promise<void> {
  await rm(pathIn(boot), { force: true })
}

/** The proxy that left word here and still answers; undefined when none does. */
export async function findRunning(boot: Boot): Promise<Running | undefined> {
  const running = await readFile(pathIn(boot), 'utf8').then(parse, () => undefined)
  if (running === undefined) return undefined
  const answer = await fetch(`${running.adminUrl}/healthz`, { signal: AbortSignal.timeout(2_000) }).catch(
    () => undefined,
  )
  return answer?.ok === true ? running : undefined
}

function parse(text: string): Running | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('adminUrl' in value) || typeof value.adminUrl !== 'string')
      return undefined
    const pid = 'pid' in value && typeof value.pid === 'number' ? value.pid : 0
    return {
      pid,
      adminUrl: value.adminUrl,
      token: 'token' in value && typeof value.token === 'string' ? value.token : undefined,
    }
  } catch {
    return undefined
  }
}

function pathIn(boot: Boot): string {
  return join(boot.dataDir, 'run.json')
}
