import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BIN = join(ROOT, 'src/bin.mjs')
const OLDEST_MAJOR = 24
/** How long a loaded machine may take over a command that ends by itself. */
const PATIENCE_MS = 60_000
/** Makes the Node that runs say that it is an old one; inherited by nobody, so the pinned one stays what it is. */
const AS_OLD_NODE = [
  '--import',
  `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})`,
]

/** An executable and its own arguments. */
export type Node = readonly [string, ...string[]]

export type CliRun = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

export type CliOptions = {
  /** The pinned one by default. */
  readonly node?: Node
  readonly cwd?: string
  /** Besides PATH, all that the command gets. */
  readonly environment?: Readonly<Record<string, string>>
  /** After which it is killed. */
  readonly patienceMs?: number
}

/** The Node that the project pins: the one that runs the tests. */
export const pinnedNode: Node = [process.execPath]

/** The machine's own Node where it is too old for the project, else the pinned one that says it is. */
export function oldNode(): Node {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, 'node'))
    .filter((path) => !path.includes('node_modules') && existsSync(path))
    .find((path) => Number(execFileSync(path, ['-p', 'process.versions.node.split(".")[0]']).toString()) < OLDEST_MAJOR)
  return found === undefined ? [process.execPath, ...AS_OLD_NODE] : [found]
}

/** Runs `understudy <args>` to its end, through src/bin.mjs as `npx understudy` does. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const child = startCli(args, options)
  const timer = setTimeout(() => child.kill('SIGKILL'), options.patienceMs ?? PATIENCE_MS)
  if (child.stdout === null || child.stderr === null) throw new Error('no pipes')
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  clearTimeout(timer)
  return { code, stdout, stderr }
}

/** Starts it; the caller ends it. */
export function startCli(
  args: readonly string[],
  { node = pinnedNode, cwd = ROOT, environment = {} }: CliOptions = {},
): ChildProcess {
  const [executable, ...flags] = node
  return spawn(executable, [...flags, BIN, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...environment },
  })
}
