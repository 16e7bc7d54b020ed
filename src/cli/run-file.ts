import { randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatListen, isWildcard } from '../config/listen-address.ts'
import type { Boot, Listen } from '../domain/policy.ts'
import { runProof } from '../domain/run-proof.ts'

/** How to reach the proxy that runs on this data directory. */
export type Running = {
  readonly pid: number
  readonly adminUrl: string
  /** Of `runProof`: only the process that left it can answer for it. */
  readonly key: string
  readonly token: string | undefined
}

const TIMEOUT_MS = 2_000

/** Leaves word for the other commands (decision 16). Readable by the owner only: it may hold the admin token. */
export async function rememberRunning(
  boot: Boot,
  facts: Omit<Running, 'adminUrl'> & { readonly admin: Listen },
): Promise<void> {
  const host = isWildcard(facts.admin.host) ? '127.0.0.1' : facts.admin.host
  const running: Running = {
    pid: facts.pid,
    adminUrl: `http://${formatListen({ host, port: facts.admin.port })}`,
    key: facts.key,
    token: facts.token,
  }
  await mkdir(boot.dataDir, { recursive: true, mode: 0o700 })
  await rm(pathIn(boot), { force: true }) // a mode counts for a new file only, and whoever made the old one may read it
  await writeFile(pathIn(boot), `${JSON.stringify(running)}\n`, { mode: 0o600, flag: 'wx' })
}

export async function forgetRunning(boot: Boot): Promise<void> {
  await rm(pathIn(boot), { force: true })
}

/**
 * The proxy that left word here and still answers; undefined when none does. The word of a proxy that was killed stays
 * behind, and its address may be anyone's: whoever answers there must know the key before it gets the token.
 */
export async function findRunning(boot: Boot): Promise<Running | undefined> {
  const running = await readFile(pathIn(boot), 'utf8').then(parse, () => undefined)
  if (running === undefined) return undefined
  const challenge = randomBytes(32).toString('hex')
  const proof = await proofOf(running.adminUrl, challenge).catch(() => undefined)
  return isSame(proof, runProof(running.key, challenge)) ? running : undefined
}

/** As `findRunning`. Throws with a sentence for the terminal where no proxy answers; `why` it takes one. */
export async function requireRunning(boot: Boot, why: string): Promise<Running> {
  const running = await findRunning(boot)
  if (running !== undefined) return running
  throw new Error(
    `no proxy runs on ${boot.dataDir}, the data_dir of this config: ${why}. ` +
      'Start it (understudy serve), or name the config of the one that you mean with -c <file>.',
  )
}

async function proofOf(adminUrl: string, challenge: string): Promise<unknown> {
  const answer = await fetch(`${adminUrl}/healthz?challenge=${challenge}`, {
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const body: unknown = await answer.json()
  return typeof body === 'object' && body !== null && 'proof' in body ? body.proof : undefined
}

function isSame(found: unknown, expected: string | undefined): boolean {
  if (typeof found !== 'string' || expected === undefined || found.length !== expected.length) return false
  return timingSafeEqual(Buffer.from(found), Buffer.from(expected))
}

function parse(text: string): Running | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    if (!('adminUrl' in value) || typeof value.adminUrl !== 'string') return undefined
    if (!('key' in value) || typeof value.key !== 'string') return undefined
    const pid = 'pid' in value && typeof value.pid === 'number' ? value.pid : 0
    const token = 'token' in value && typeof value.token === 'string' ? value.token : undefined
    return { pid, adminUrl: value.adminUrl, key: value.key, token }
  } catch {
    return undefined
  }
}

function pathIn(boot: Boot): string {
  return join(boot.dataDir, 'run.json')
}
