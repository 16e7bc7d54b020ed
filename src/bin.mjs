#!/usr/bin/env node
// Runs the command line on the Node that the project pins. Plain JavaScript in the syntax of old Nodes, because it is
// the one file that may be started by whatever Node the machine has.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const OLDEST_MAJOR = 24
const main = new URL('./main.ts', import.meta.url)
/**
 * Code as it was compiled by the last run: with it a command starts on 0.35 s of CPU instead of 0.9. Node ignores it where
 * it cannot be written, or where the code has changed. The proxy itself writes nothing but its data.
 */
const packages = fileURLToPath(new URL('../node_modules', import.meta.url))
const isKept = process.argv[2] !== 'serve' && existsSync(packages)
const compiled = isKept ? join(packages, '.cache', 'understudy-code') : undefined

if (Number(process.versions.node.split('.')[0]) >= OLDEST_MAJOR) {
  process.argv[1] = fileURLToPath(main)
  if (compiled !== undefined) module.enableCompileCache(compiled)
  await import(main.href)
} else {
  const pinned = findPinnedNode()
  if (pinned === undefined) {
    console.error(
      `understudy needs Node ${OLDEST_MAJOR} or newer; this is ${process.version}, and the pinned one is not installed.\n` +
        'Run `npm ci` here without --omit=dev and without --ignore-scripts, or install a newer Node.',
    )
    process.exitCode = 1
  } else {
    runWith(pinned)
  }
}

/** Path of the executable that the `node` package brings, or undefined where it is not installed. */
function findPinnedNode() {
  let directory
  try {
    directory = dirname(createRequire(import.meta.url).resolve('node/package.json'))
  } catch {
    return undefined
  }
  return [join(directory, 'bin', 'node'), join(directory, 'bin', 'node.exe')].find((path) => existsSync(path))
}

/** Same arguments, terminal, signals and exit code, one process further down. */
function runWith(executable) {
  const env = { NODE_COMPILE_CACHE: compiled, ...process.env }
  const child = spawn(executable, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) {
    // A terminal sends Ctrl-C to the child as well: passed on, it would arrive twice and mean "stop at once".
    const sentByTerminal = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT')
    process.on(signal, () => sentByTerminal || child.kill(signal))
  }
  child.on('error', (error) => {
    console.error(`understudy could not start ${executable}: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exit(signal === null ? code : 128 + constants.signals[signal])
  })
}
