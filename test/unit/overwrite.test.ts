import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { overwrite, type Overwritable } from '../../src/config/overwrite.ts'

async function aFile(content: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'understudy-overwrite-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const file = join(directory, 'understudy.yaml')
  await writeFile(file, content)
  return file
}

/**
 * Overwrites the real `file` on a disk that holds no more than `room` bytes of it, and that gives up for good after
 * `calls` calls.
 */
async function overwriteOnFullDisk(file: string, next: string, room: number, calls: number) {
  const handle = await open(file, 'r+')
  let left = calls
  const mayCall = (): void => {
    if (left-- <= 0) throw Object.assign(new Error('i/o error'), { code: 'EIO' })
  }
  const full: Overwritable = {
    write: async (bytes, offset, length, position) => {
      mayCall()
      const fitting = Math.min(length, room - position, 3) // in pieces, as write(2) may
      if (fitting <= 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
      return handle.write(bytes, offset, fitting, position)
    },
    truncate: async (length) => {
      mayCall()
      await handle.truncate(length)
    },
    sync: async () => mayCall(),
  }
  try {
    return await overwrite(full, await readFile(file), Buffer.from(next))
  } finally {
    await handle.close()
  }
}

it('a longer text than the disk has room for leaves the old one whole', async () => {
  const file = await aFile('log: { level: info }\n')
  const failure = await overwriteOnFullDisk(file, 'log: { level: warn } # and much more to say\n', 30, Infinity)
  expect(failure).toMatchObject({ error: { code: 'ENOSPC' }, isIntact: true })
  expect(await readFile(file, 'utf8')).toBe('log: { level: info }\n')
})

it('wherever the disk gives up, the file is the new text, or the old one, or is said to be damaged', async () => {
  const text = fc.string({ maxLength: 40 })
  const file = await aFile('')
  await fc.assert(
    fc.asyncProperty(text, text, fc.nat(60), fc.nat(60), async (previous, next, room, calls) => {
      await writeFile(file, previous)
      const roomy = Math.max(room, Buffer.byteLength(previous))
      const failure = await overwriteOnFullDisk(file, next, roomy, calls)
      const found = await readFile(file, 'utf8')
      const allowed = failure === undefined ? [next] : failure.isIntact ? [previous] : [found]
      expect(allowed).toContain(found)
    }),
    { numRuns: 200 },
  )
})
