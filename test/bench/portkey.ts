import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from './child.ts'
import type { Site } from './site.ts'

const LOCKED = fileURLToPath(new URL('portkey/', import.meta.url))
const INSTALL_WITHIN_MS = 180_000

/**
 * The Portkey gateway, which nobody but the bench needs: installed once, out of the lockfile beside this file (every
 * package by version and checksum), without running any package's scripts. hono stays at 4.9.7 and its Node server at
 * 1.14.1: with a later one the gateway answers every stream with 500 (Portkey-AI/gateway#1389). A text says why it
 * cannot take part.
 */
export function portkey(site: Site, nodeFlags: readonly string[]): Command | string {
  const directory = join(cacheDirectory(), `portkey-${lockDigest()}`)
  const fault = existsSync(directory) ? undefined : install(directory)
  if (fault !== undefined) return fault
  const script = join(directory, 'node_modules/@portkey-ai/gateway/build/start-server.js')
  return { command: process.execPath, args: [...nodeFlags, script, `--port=${site.port}`, '--headless'] }
}

/** What it must be told with each request, having no config of its own. */
export function portkeyHeaders({ upstreamPort }: Site): readonly string[] {
  return ['x-portkey-provider: openai', `x-portkey-custom-host: http://127.0.0.1:${upstreamPort}/v1`]
}

function cacheDirectory(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'understudy-bench')
}

/** Changes with the lockfile, so that an old installation is never taken for a new one. */
function lockDigest(): string {
  return createHash('sha256')
    .update(readFileSync(join(LOCKED, 'package-lock.json')))
    .digest('hex')
    .slice(0, 16)
}

/** Installs into a directory of its own first: `directory` is whole or not there. */
function install(directory: string): string | undefined {
  console.log(`Portkey is installed into ${directory}, once.`)
  mkdirSync(cacheDirectory(), { recursive: true })
  const draft = mkdtempSync(join(cacheDirectory(), 'draft-'))
  try {
    cpSync(LOCKED, draft, { recursive: true })
    const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: draft,
      timeout: INSTALL_WITHIN_MS,
      encoding: 'utf8',
    })
    if (npm.status !== 0)
      return `it could not be installed: ${lastLine(npm.stderr) ?? npm.error?.message ?? 'npm failed'}`
    renameSync(draft, directory)
    return undefined
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

function lastLine(text: string | null): string | undefined {
  return text
    ?.split('\n')
    .findLast((line) => line.trim() !== '')
    ?.slice(0, 200)
}
