import { EventEmitter, once } from 'node:events'
import { mkdir, mkdtemp, open, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { policyVersion } from '../../src/config/policy-version.ts'
import { type WatchOptions, watchConfig } from '../../src/config/watch.ts'

/** So long that nothing but a notification can have told. */
const NEVER_POLL = { pollMs: 600_000 }
/** The longest an edit may take to be in effect. */
const EFFECT_WITHIN_MS = 2_000

const versionOf = (text: string): string => policyVersion(Buffer.from(text))

async function aDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'understudy-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

type Watched = {
  /** The fingerprints told so far. */
  readonly seen: readonly string[]
  /** Resolves when `fingerprint` has been told, and rejects when it takes too long. */
  readonly until: (fingerprint: string) => Promise<void>
}

function aWatch(options: Omit<WatchOptions, 'onChange'>): Watched {
  const seen: string[] = []
  const changes = new EventEmitter()
  const watching = watchConfig({
    ...options,
    onChange: (fingerprint) => {
      seen.push(fingerprint)
      changes.emit('change')
    },
  })
  onTestFinished(watching.close)
  return {
    seen,
    until: async (fingerprint) => {
      const signal = AbortSignal.timeout(EFFECT_WITHIN_MS)
      while (seen.at(-1) !== fingerprint) await once(changes, 'change', { signal })
    },
  }
}

/** A watched file that holds `a`; only notifications can tell of changes once `until` has told the first. */
async function aWatchedFile(
  directory: string,
  settings: Partial<WatchOptions> = NEVER_POLL,
): Promise<Watched & { file: string }> {
  const file = join(directory, 'u.yaml')
  await writeFile(file, 'a')
  // Starting from unknown content makes the watch tell once, so that the test knows when it is watching.
  const watched = aWatch({ file, known: 'unknown', ...settings })
  await watched.until(versionOf('a'))
  return { ...watched, file }
}

test('an edit in place is told', async () => {
  const { file, until, seen } = await aWatchedFile(await aDirectory())
  await writeFile(file, 'b')
  await until(versionOf('b'))
  expect(seen).toEqual(['a', 'b'].map(versionOf))
})

test('every replacement by a rename is told, not only the first', async () => {
  const directory = await aDirectory()
  const { file, until, seen } = await aWatchedFile(directory)
  for (const text of ['b', 'c', 'd']) {
    await writeFile(join(directory, 'new'), text)
    await rename(join(directory, 'new'), file)
    await until(versionOf(text))
  }
  expect(seen).toEqual(['a', 'b', 'c', 'd'].map(versionOf))
})

test('the swap of a ConfigMap volume is told, every time', async () => {
  const directory = await aDirectory()
  // As kubelet lays it out: u.yaml → ..data/u.yaml, ..data → ..1/, and an update is a rename of a new ..data.
  const update = async (revision: number, text: string): Promise<void> => {
    await mkdir(join(directory, `..${revision}`))
    await writeFile(join(directory, `..${revision}`, 'u.yaml'), text)
    await symlink(`..${revision}`, join(directory, '..data_tmp'))
    await rename(join(directory, '..data_tmp'), join(directory, '..data'))
    if (revision > 1) await rm(join(directory, `..${revision - 1}`), { recursive: true })
  }
  await update(1, 'a')
  await symlink('..data/u.yaml', join(directory, 'u.yaml'))
  const { until, seen } = aWatch({ file: join(directory, 'u.yaml'), known: 'unknown', ...NEVER_POLL })
  await until(versionOf('a'))
  await update(2, 'b')
  await until(versionOf('b'))
  await update(3, 'c')
  await until(versionOf('c'))
  expect(seen).toEqual(['a', 'b', 'c'].map(versionOf))
})

test('a file that vanishes is told, and so is its return', async () => {
  const { file, until, seen } = await aWatchedFile(await aDirectory())
  await rm(file)
  await until('ENOENT')
  await writeFile(file, 'a')
  await until(versionOf('a'))
  expect(seen).toEqual([versionOf('a'), 'ENOENT', versionOf('a')])
})

test('what was changed before the watch began is told', async () => {
  const directory = await aDirectory()
  await writeFile(join(directory, 'u.yaml'), 'b')
  const { until, seen } = aWatch({ file: join(directory, 'u.yaml'), known: versionOf('a'), ...NEVER_POLL })
  await until(versionOf('b'))
  expect(seen).toEqual([versionOf('b')])
})

test('a target of a symlink in another directory is told of by the poll', async () => {
  const [directory, elsewhere] = [await aDirectory(), await aDirectory()]
  await writeFile(join(elsewhere, 'real.yaml'), 'a')
  await symlink(join(elsewhere, 'real.yaml'), join(directory, 'u.yaml'))
  const { until, seen } = aWatch({ file: join(directory, 'u.yaml'), known: 'unknown' })
  await until(versionOf('a'))
  await writeFile(join(elsewhere, 'real.yaml'), 'b')
  await until(versionOf('b'))
  expect(seen).toEqual(['a', 'b'].map(versionOf))
})

test('a directory that was replaced is watched again', async () => {
  const parent = await aDirectory()
  const directory = join(parent, 'config')
  await mkdir(directory)
  const pollMs = 1_500
  const { file, until, seen } = await aWatchedFile(directory, { pollMs })
  await rename(directory, join(parent, 'old'))
  await until('ENOENT')
  await mkdir(directory)
  await writeFile(file, 'b')
  await until(versionOf('b'))
  const startedAt = performance.now()
  for (const text of ['c', 'd', 'e', 'f', 'g', 'h']) {
    await writeFile(file, text)
    await until(versionOf(text))
  }
  // The poll alone would need one period each.
  expect(performance.now() - startedAt).toBeLessThan(4 * pollMs)
  expect(seen).toEqual([versionOf('a'), 'ENOENT', ...['b', 'c', 'd', 'e', 'f', 'g', 'h'].map(versionOf)])
})

test('half of a file that is being written is never told', async () => {
  const directory = await aDirectory()
  const { file, until, seen } = await aWatchedFile(directory, { pollMs: 10, settleMs: 400 })
  const handle = await open(file, 'w')
  for (const part of ['one\n', 'two\n', 'three\n', 'four\n']) {
    await handle.write(part)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  await handle.close()
  await until(versionOf('one\ntwo\nthree\nfour\n'))
  expect(seen).toEqual([versionOf('a'), versionOf('one\ntwo\nthree\nfour\n')])
})

test('a file that is never at rest is told of all the same', async () => {
  const { file, seen } = await aWatchedFile(await aDirectory(), { pollMs: 10, settleMs: 5 })
  for (let revision = 0; revision < 20_000 && seen.length < 2; revision++) await writeFile(file, `b${revision}`)
  expect(seen.length).toBeGreaterThan(1)
})

test('rewriting the same bytes and other files of the directory are not told', async () => {
  const directory = await aDirectory()
  const { file, until, seen } = await aWatchedFile(directory)
  await writeFile(file, 'a')
  await writeFile(join(directory, 'other.yaml'), 'x')
  await writeFile(file, 'b')
  await until(versionOf('b'))
  expect(seen).toEqual([versionOf('a'), versionOf('b')])
})

test('a closed watch tells nothing more, and closing twice is the same as once', async () => {
  const directory = await aDirectory()
  const file = join(directory, 'u.yaml')
  await writeFile(file, 'a')
  const told: string[] = []
  const watching = watchConfig({
    file,
    known: versionOf('a'),
    onChange: (seen) => void told.push(seen),
    pollMs: 5,
    settleMs: 5,
  })
  await watching.close()
  await watching.close()
  await writeFile(file, 'b')
  // A second watch on the same file shows when the first would have told.
  await aWatch({ file, known: versionOf('a'), pollMs: 5, settleMs: 50 }).until(versionOf('b'))
  expect(told).toEqual([])
})
