import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { aDirectory, aSpool } from '../fakes/a-spool.ts'
import { quietLog } from '../fakes/clickhouse.ts'
import { aLedger } from '../fakes/ledger.ts'
import { realWorld } from '../fakes/real-world.ts'
import { spoolingProcess, type SpoolingProcess } from '../fakes/spooling-process.ts'
import { startWriter } from '../../src/store/writer.ts'

/** Somewhere that writing stops in the middle of a row, and starts again. `tighten` resolves when the child has felt it. */
type TightPlace = {
  readonly dir: string
  readonly tighten: (life: SpoolingProcess) => Promise<void>
  readonly makeRoom: (life: SpoolingProcess) => void
}

/** EFBIG, after a part of the write has been taken. First there is room for some rows per file, then for none. */
function aFileSizeLimit(): TightPlace {
  const limit = ({ child }: SpoolingProcess, size: string) =>
    expect(spawnSync('prlimit', [`--fsize=${size}`, `--pid=${child.pid}`]).status).toBe(0)
  return {
    dir: aDirectory(),
    tighten: async (life) => {
      await life.until(() => life.kept.length > 100)
      limit(life, '5000:unlimited')
      const before = life.kept.length
      await life.until(() => life.kept.length > before + 200)
      expect(life.droppedRows()).toBe(0)
      limit(life, '100:unlimited')
      await life.until(() => life.droppedRows() > 50)
    },
    makeRoom: (life) => limit(life, 'unlimited:unlimited'),
  }
}

/** ENOSPC, from a file system that is full but for a hundred kilobytes. */
function aFullFileSystem(): TightPlace {
  const dir = aDirectory()
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir]).status).toBe(0)
  onTestFinished(() => void spawnSync('umount', ['--lazy', dir]))
  writeFileSync(join(dir, 'filler'), Buffer.alloc(900_000))
  return {
    dir,
    tighten: (life) => life.until(() => life.droppedRows() > 50),
    makeRoom: () => rmSync(join(dir, 'filler')),
  }
}

// Mounting takes a privilege that a laptop's user has not; the limit on file size works everywhere on Linux.
const places: readonly (readonly [string, () => TightPlace])[] = [
  ['a limit on file size', aFileSizeLimit],
  ...(mayMount() ? [['a full file system', aFullFileSystem] as const] : []),
]

const OPTIONS = { maxRows: 10_000, store: undefined, rowsPerBurst: 7, paddingBytes: 300 }

it.each(places)('keeps whole rows, counts the others and goes on when there is room again: %s', async (_, make) => {
  const { dir, tighten, makeRoom } = make()
  const life = spoolingProcess({ dir, ...OPTIONS })
  await tighten(life)
  makeRoom(life)
  const before = life.kept.length
  await life.until(() => life.kept.length > before + 200)
  await life.kill()
  await expectRows(dir, life.kept, 1)
})

it('starts and takes over from a killed process when the disk does not take a single byte', async () => {
  const dir = aDirectory()
  const first = spoolingProcess({ dir, ...OPTIONS })
  await first.until(() => first.kept.length > 200)
  await first.kill()
  for (const name of readdirSync(join(dir, 'traces'))) appendFileSync(join(dir, 'traces', name), '{"trace_id":"ha')

  const second = spoolingProcess({ dir, ...OPTIONS }, ['prlimit', '--fsize=0:unlimited'])
  await second.until(() => second.droppedRows() > 50)
  expect(second.kept).toEqual([])
  await second.kill()
  await expectRows(dir, first.kept, 2)
})

/** Every kept row is stored once, and no row that was counted as dropped; only what the kills caught may be unsaid. */
async function expectRows(dir: string, kept: readonly string[], kills: number): Promise<void> {
  const spool = await aSpool({ dir })
  const ledger = aLedger()
  const writer = startWriter({ spool, insert: ledger.insert, world: realWorld, log: quietLog })
  expect(await writer.drain(30_000)).toBe('empty')
  await writer.close()
  await spool.close()
  const stored = ledger
    .rows('traces')
    .map((row): [traceId: string] => JSON.parse(row))
    .map(([traceId]) => traceId)
  const ids = new Set(stored)
  expect(kept.filter((id) => !ids.has(id))).toEqual([])
  expect(stored).toHaveLength(ids.size)
  expect(stored.length - kept.length).toBeLessThanOrEqual(kills * OPTIONS.rowsPerBurst)
}

function mayMount(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-mount-'))
  const isAllowed = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir]).status === 0
  if (isAllowed) spawnSync('umount', [dir])
  rmSync(dir, { recursive: true, force: true })
  return isAllowed
}
