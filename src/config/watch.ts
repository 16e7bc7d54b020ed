import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Closable } from '../domain/ports.ts'
import { fingerprint, readConfigFile } from './config-file.ts'

export type WatchOptions = {
  /** Absolute path. */
  readonly file: string
  /** Fingerprint of the content already acted on; what differs from it at the start is a change. */
  readonly known: string
  /** Told the fingerprint of the new content; a missing file is a change too. Looking goes on when it is done. */
  readonly onChange: (fingerprint: string) => void | Promise<void>
  /** How often to look even when nothing was notified. */
  readonly pollMs?: number
  /** How long content must stay the same before it counts: nobody wants half of a file that is being written. */
  readonly settleMs?: number
}

/** Looks for settled content before it takes what is there: a file that is always being written is read all the same. */
const MAX_LOOKS = 10
/** Notifications that come in this time are one: a busy log file in the same directory must not cost a read each. */
const GATHER_MS = 50

/**
 * Tells when the content of `file` changes, however it changes: edited in place, replaced by a rename, swapped
 * through a symlink (a Kubernetes ConfigMap), gone and back. Effect within `pollMs` + `settleMs`, usually `settleMs`.
 *
 * The directory is watched, because a watch on the file itself dies with the file's first replacement. Notifications
 * only say when to look; what counts is the hash of the content. The poll covers what no notification does: targets
 * of symlinks in other directories, network file systems, a directory that was replaced, too few inotify watches.
 */
export function watchConfig(options: WatchOptions): Closable {
  const { file, onChange, pollMs = 1_000, settleMs = 100 } = options
  const directory = dirname(file)
  let known = options.known
  let watched: { readonly watcher: FSWatcher; readonly identity: string } | undefined
  let looking: Promise<void> | undefined
  let gathering: NodeJS.Timeout | undefined
  let isLookWanted = false
  let isClosed = false

  function look(): void {
    isLookWanted = true
    looking ??= lookWhileWanted().finally(() => {
      looking = undefined
    })
  }

  function lookSoon(): void {
    gathering ??= setTimeout(() => {
      gathering = undefined
      look()
    }, GATHER_MS).unref()
  }

  async function lookWhileWanted(): Promise<void> {
    while (isLookWanted && !isClosed) {
      isLookWanted = false
      await keepDirectoryWatched()
      const seen = await settledFingerprint()
      if (seen === known || isClosed) continue
      known = seen
      await onChange(seen)
    }
  }

  /** The fingerprint two looks in a row agree on; at once where nothing has changed. */
  async function settledFingerprint(): Promise<string> {
    let seen = fingerprint(await readConfigFile(file))
    for (let looks = 1; seen !== known && looks < MAX_LOOKS; looks++) {
      await delay(settleMs, undefined, { ref: false })
      const again = fingerprint(await readConfigFile(file))
      if (again === seen) break
      seen = again
    }
    return seen
  }

  /** A watch stays with the directory it was set on, so another directory of the same name needs a new one. */
  async function keepDirectoryWatched(): Promise<void> {
    const identity = await stat(directory).then(
      (found) => `${found.dev}:${found.ino}`,
      () => undefined,
    )
    if (isClosed || identity === watched?.identity) return
    watched?.watcher.close()
    watched = identity === undefined ? undefined : watchDirectory(identity)
  }

  function watchDirectory(identity: string): typeof watched {
    try {
      const watcher = watch(directory, { persistent: false }, lookSoon)
      watcher.on('error', () => {
        watcher.close()
        if (watched?.watcher === watcher) watched = undefined
      })
      return { watcher, identity }
    } catch {
      // No watch to be had: the poll finds every change a little later, and tries again.
      return undefined
    }
  }

  const poll = setInterval(look, pollMs)
  poll.unref()
  look()
  return {
    close: async () => {
      isClosed = true
      clearInterval(poll)
      clearTimeout(gathering)
      watched?.watcher.close()
      watched = undefined
      await looking
    },
  }
}
