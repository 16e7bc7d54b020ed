import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { quietLog } from '../fakes/clickhouse.ts'
import { aDirectory, afterKill, appended, aSpool, NAMES } from '../fakes/a-spool.ts'
import { realWorld } from '../fakes/real-world.ts'
import { openSpool, type Spool } from '../../src/store/spool.ts'

const files = (spool: Spool, table: string) => readdirSync(join(spool.dir, table)).toSorted()
/** The rows of each segment; every segment begins with the names of its columns. */
const contents = (spool: Spool, table: string) =>
  files(spool, table).map((name) => {
    const text = readFileSync(join(spool.dir, table, name), 'utf8')
    expect(text.slice(0, NAMES.length)).toBe(NAMES)
    return text.slice(NAMES.length)
  })

describe('append', () => {
  it('has the rows in their files when it releases', async () => {
    const spool = await aSpool()
    const seen = await new Promise<string[][]>((resolve) => {
      spool.append(
        [
          { table: 'traces', line: '[1]' },
          { table: 'attempts', line: '[11]' },
          { table: 'attempts', line: '[12]' },
        ],
        () => resolve([contents(spool, 'traces'), contents(spool, 'attempts')]),
      )
    })
    expect(seen).toEqual([['[1]\n'], ['[11]\n[12]\n']])
  })

  it('writes what comes in one turn together and releases in order', async () => {
    const spool = await aSpool()
    const released: number[] = []
    await Promise.all([1, 2, 3].map((n) => appended(spool, 'traces', `[${n}]`).then(() => void released.push(n))))
    expect(released).toEqual([1, 2, 3])
    expect(contents(spool, 'traces')).toEqual(['[1]\n[2]\n[3]\n'])
  })

  it('releases the others when one response fails to end', async () => {
    const spool = await aSpool()
    spool.append([{ table: 'traces', line: '[]' }], () => {
      throw new Error('socket destroyed')
    })
    await appended(spool, 'traces', '[]')
    expect(spool.status().appendedRows.traces).toBe(2)
  })

  it('releases and counts the rows that come after the close', async () => {
    const spool = await aSpool()
    await spool.close()
    await appended(spool, 'traces', '[]', '[]')
    expect(spool.status().droppedRows.writeFailed).toMatchObject({ traces: 2, attempts: 0 })
  })

  it('counts and releases the rows that the disk refuses, and goes on when it takes rows again', async () => {
    const spool = await aSpool()
    rmSync(join(spool.dir, 'traces'), { recursive: true })
    await appended(spool, 'traces', '[1]')
    expect(spool.status().droppedRows.writeFailed).toMatchObject({ traces: 1, attempts: 0 })
    mkdirSync(join(spool.dir, 'traces'))
    await appended(spool, 'traces', '[2]')
    expect(contents(spool, 'traces')).toEqual(['[2]\n'])
    expect(spool.status().droppedRows.writeFailed.traces).toBe(1)
  })
})

describe('segments', () => {
  it('are closed before they exceed their rows or bytes', async () => {
    const spool = await aSpool({ maxRows: 3, maxSegmentBytes: 60 })
    for (let n = 0; n < 7; n += 1) await appended(spool, 'traces', `[${n}]`)
    await appended(spool, 'attempts', JSON.stringify(['x'.repeat(38)]))
    await appended(spool, 'attempts', JSON.stringify(['y'.repeat(38)]))
    expect(files(spool, 'traces').map((name) => name.replace(/^[^.]+/, ''))).toEqual([
      '.3.ndjson',
      '.3.ndjson',
      '.open',
    ])
    expect(files(spool, 'attempts').map((name) => name.replace(/^[^.]+/, ''))).toEqual(['.1.ndjson', '.open'])
    expect(spool.status()).toMatchObject({ segments: 3, rows: 9, appendedRows: { traces: 7, attempts: 2 } })
  })

  it('are closed by age, when nothing more comes', async () => {
    const spool = await aSpool({ maxAgeMs: 20 })
    const closed = new Promise<void>((resolve) => spool.queue.onPush(resolve))
    await appended(spool, 'traces', '[]')
    await closed
    expect(files(spool, 'traces').map((name) => name.replace(/^[^.]+/, ''))).toEqual(['.1.ndjson'])
  })

  it('are closed less often while others wait, so that a long outage does not leave thousands', async () => {
    const spool = await aSpool({ maxAgeMs: 10, maxRows: 2 })
    for (let n = 0; n < 160; n += 1) await appended(spool, 'traces', '[]')
    const closed = new Promise<void>((resolve) => spool.queue.onPush(resolve))
    const startedAt = performance.now()
    await appended(spool, 'traces', '[]')
    await closed
    expect(performance.now() - startedAt).toBeGreaterThan(100)
  })

  it('are named in the order of their opening, and tell the age of the oldest row', async () => {
    const spool = await aSpool({ maxRows: 1 })
    const before = Date.now()
    await appended(spool, 'traces', '[1]')
    await new Promise((resolve) => void setTimeout(resolve, 2))
    await appended(spool, 'traces', '[2]')
    expect(contents(spool, 'traces')).toEqual(['[1]\n', '[2]\n'])
    expect(spool.status().oldestAt).toBeGreaterThanOrEqual(before)
    expect(spool.status().oldestAt).toBeLessThanOrEqual(Date.now())
  })
})

describe('the cap', () => {
  it('drops the oldest segments, counts their rows exactly and holds nobody up', async () => {
    const row = JSON.stringify(['x'.repeat(95)])
    const spool = await aSpool({ maxBytes: 1000, maxSegmentBytes: 200 })
    for (let n = 0; n < 50; n += 1) await appended(spool, n % 5 === 0 ? 'attempts' : 'traces', row)
    const { bytes, rows, droppedRows } = spool.status()
    expect(bytes).toBeLessThanOrEqual(1000)
    // No two of these rows fit in a segment.
    expect(bytes).toBe(rows * (NAMES.length + row.length + 1))
    expect(rows + droppedRows.overCap.traces + droppedRows.overCap.attempts).toBe(50)
    expect(droppedRows.overCap.traces).toBeGreaterThan(0)
    await expect
      .poll(() => contents(spool, 'traces').join('') + contents(spool, 'attempts').join(''))
      .toHaveLength(rows * (row.length + 1))
  })

  it('drops what was said before what happened, however new it is', async () => {
    const row = JSON.stringify(['x'.repeat(95)])
    const spool = await aSpool({ maxBytes: 1000, maxSegmentBytes: 200 })
    for (let n = 0; n < 8; n += 1) await appended(spool, 'traces', row)
    for (let n = 0; n < 50; n += 1) await appended(spool, 'contents', row)
    const { overCap } = spool.status().droppedRows
    expect(overCap.traces).toBe(0)
    expect(overCap.contents).toBeGreaterThan(40)
  })

  it('spares the segment whose rows are on their way', async () => {
    const spool = await aSpool({ maxBytes: 400, maxRows: 1 })
    await appended(spool, 'traces', '["first"]')
    const first = spool.queue.take(() => 0)
    for (let n = 0; n < 50; n += 1) await appended(spool, 'traces', `[${n},"${'x'.repeat(60)}"]`)
    expect(readFileSync(first?.path ?? '', 'utf8')).toBe(`${NAMES}["first"]\n`)
    expect(spool.status().rows + spool.status().droppedRows.overCap.traces).toBe(51)
  })

  it('holds for what an earlier process left as well', async () => {
    const first = await aSpool({ maxRows: 1 })
    for (let n = 0; n < 10; n += 1) await appended(first, 'traces', `[${n},"${'x'.repeat(60)}"]`)
    const second = await aSpool({ dir: afterKill(first.dir), maxBytes: 300 })
    await appended(second, 'traces', '["new"]')
    expect(second.status().bytes).toBeLessThanOrEqual(300)
    expect(second.status().rows + second.status().droppedRows.overCap.traces).toBe(11)
  })
})

describe('after a kill', () => {
  it('takes over closed and open segments with every row', async () => {
    const first = await aSpool({ maxRows: 2 })
    for (const n of [1, 2, 3]) await appended(first, 'traces', `[${n}]`)
    const second = await aSpool({ dir: afterKill(first.dir) })
    expect(contents(second, 'traces').toSorted()).toEqual(['[1]\n[2]\n', '[3]\n'])
    expect(second.status()).toMatchObject({ segments: 2, rows: 3, tornTails: 0 })
  })

  it('counts the segments that end in the middle of a row, and the row is not among their rows', async () => {
    const first = await aSpool()
    await appended(first, 'traces', '[1]')
    const dir = afterKill(first.dir)
    const [name = ''] = readdirSync(join(dir, 'traces'))
    appendFileSync(join(dir, 'traces', name), '[2,"half')
    const second = await aSpool({ dir })
    expect(second.status()).toMatchObject({ segments: 1, rows: 1, tornTails: 1 })
  })

  it.each([
    ['nothing', ''],
    ['a piece of the names', NAMES.slice(0, 4)],
    ['the names', NAMES],
  ])('leaves nothing of a segment that holds %s and no row', async (_what, content) => {
    const dir = aDirectory()
    mkdirSync(join(dir, 'traces'))
    writeFileSync(join(dir, 'traces', `${realWorld.newId()}.open`), content)
    const spool = await aSpool({ dir })
    expect(files(spool, 'traces')).toEqual([])
    expect(spool.status()).toMatchObject({ segments: 0, tornTails: 0 })
  })
})

describe('one process at a time', () => {
  const open = (dir: string) => openSpool({ dir, maxBytes: 1e9, world: realWorld, log: quietLog })
  const locks = (dir: string) => readdirSync(dir).filter((name) => name.startsWith('lock.'))

  it('is refused a spool that a live process has, and told which', async () => {
    const spool = await aSpool()
    const [lock = ''] = locks(spool.dir)
    await expect(open(spool.dir)).rejects.toThrow(
      `in use by process ${process.pid} on ${hostname().replaceAll(/[^\w-]/g, '-')}. Every`,
    )
    // As if another process had it: this one's parent lives, too.
    const dir = aDirectory()
    const stat = existsSync('/proc') ? readFileSync(`/proc/${process.ppid}/stat`, 'utf8') : ''
    const ticks = stat.replace(/^.*\) /, '').split(' ')[19] ?? ''
    writeFileSync(join(dir, lock.replace(/\d+\.\d*/, `${process.ppid}.${ticks}`)), '')
    await expect(open(dir)).rejects.toThrow(`in use by process ${process.ppid} on `)
    expect([locks(spool.dir).length, locks(dir).length]).toEqual([1, 1])
  })

  it('gets the spool once it has been closed', async () => {
    const first = await aSpool()
    await first.close()
    const second = await open(first.dir)
    await second.close()
    expect(locks(first.dir)).toEqual([])
  })

  it('takes over from a process that is gone, even if its id has been given to another', async () => {
    const first = await aSpool()
    const [lock = ''] = locks(first.dir)
    const dir = aDirectory()
    writeFileSync(join(dir, lock.replace(/\d+/, `${2 ** 22 + 1}`)), '')
    writeFileSync(join(dir, lock.replace(/\d+\.\d+/, `${process.pid}.1`)), '')
    await aSpool({ dir })
    expect(locks(dir)).toEqual([lock])
  })

  it('asks the lock itself where the holder cannot be seen: silent is dead, beating is alive', async () => {
    const [silent, beating] = [aDirectory(), aDirectory()]
    const lock = 'lock.1.1.another-container'
    writeFileSync(join(silent, lock), '')
    writeFileSync(join(beating, lock), '')
    const beat = setInterval(() => utimesSync(join(beating, lock), new Date(), new Date()), 200)
    const [taken, refused] = await Promise.allSettled([aSpool({ dir: silent }), aSpool({ dir: beating })])
    clearInterval(beat)
    expect(taken.status).toBe('fulfilled')
    expect(refused).toMatchObject({
      status: 'rejected',
      reason: { message: expect.stringContaining('another-container') },
    })
  })

  it('shows by its beat that it is alive to those who cannot see it', async () => {
    const spool = await aSpool()
    const [lock = ''] = locks(spool.dir)
    const before = statSync(join(spool.dir, lock)).mtimeMs
    await expect.poll(() => statSync(join(spool.dir, lock)).mtimeMs, { timeout: 2000 }).toBeGreaterThan(before)
  })
})
