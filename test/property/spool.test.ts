import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { quietLog } from '../fakes/clickhouse.ts'
import { afterKill } from '../fakes/a-spool.ts'
import { aLedger, type Fault } from '../fakes/ledger.ts'
import { realWorld } from '../fakes/real-world.ts'
import type { Insert, SpooledTable } from '../../src/store/insert.ts'
import { forEachTable } from '../../src/store/segments.ts'
import { openSpool, type Spool } from '../../src/store/spool.ts'
import { startWriter, type Writer } from '../../src/store/writer.ts'

type Kind = 'good' | 'bad' | 'hopeless'
type Step =
  | { readonly do: 'append'; readonly table: SpooledTable; readonly kinds: readonly Kind[] }
  | { readonly do: 'seal' }
  /** Lets the writer work for so many turns of the event loop. */
  | { readonly do: 'work'; readonly turns: number }
  /** The process dies; `tail` bytes of a row that was being written at that moment are in each open segment. */
  | { readonly do: 'kill'; readonly tail: number }
  /** The process dies while it waits for the answer to its next insert but so many. */
  | { readonly do: 'killInInsert'; readonly after: number; readonly mends: boolean }
  /** The machine loses power: open segments lose up to so many of their last bytes, up to all. */
  | { readonly do: 'powerCut'; readonly bytes: number }
  /** From now on the tables take the rows that they refused. */
  | { readonly do: 'mend' }

const table = fc.constantFrom<SpooledTable>('traces', 'attempts')
const kind = fc.oneof({ weight: 8, arbitrary: fc.constant<Kind>('good') }, fc.constantFrom<Kind>('bad', 'hopeless'))
const step = fc.oneof<fc.WeightedArbitrary<Step>[]>(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('append'), table, kinds: fc.array(kind, { minLength: 1, maxLength: 6 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('seal') }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('work'), turns: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('kill'), tail: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('killInInsert'), after: fc.nat(12), mends: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('powerCut'), bytes: fc.nat(80) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mend') }) },
)
const faults = fc.array(fc.constantFrom<Fault>('none', 'none', 'none', 'unavailable', 'lost_ack'), { maxLength: 60 })

it('stores every released row exactly once, whatever dies, lies or is refused in between', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), faults, async (steps, script) => {
      const run = await aRun(script)
      try {
        for (const next of steps) await run.take(next)
        await run.finish()
      } finally {
        await run.cleanUp()
      }
    }),
    { numRuns: 100, interruptAfterTimeLimit: 25_000 },
  )
})

/** One life of a spool, over several processes. */
async function aRun(script: readonly Fault[]) {
  let calls = 0
  let isMended = false
  let isOver = false
  const ledger = aLedger({
    fault: () => (isOver ? 'none' : (script[calls++] ?? 'none')),
    isBad: (row) => !isMended && !row.includes('good'),
    isBadInQuarantine: (row) => row.includes('hopeless'),
  })
  const expected: Record<SpooledTable, Set<string>> = forEachTable(() => new Set())
  const dirs = [mkdtempSync(join(tmpdir(), 'understudy-spool-'))]
  const spools: Spool[] = []
  const writers: Writer[] = []
  let rowsSoFar = 0
  let generation = 0
  let deathIn: { inserts: number; dead: PromiseWithResolvers<string> } | undefined

  const start = async (dir: string): Promise<[Spool, Writer]> => {
    generation += 1
    const mine = generation
    // The answer to a process that has died goes nowhere, whatever the store did.
    const insert: Insert = async (...call) => {
      if (mine !== generation) return new Promise(() => {})
      if (deathIn !== undefined && deathIn.inserts-- === 0) {
        generation += 1
        deathIn.dead.resolve(copyOf(dir))
      }
      const answer = await ledger.insert(...call)
      return mine === generation ? answer : new Promise(() => {})
    }
    const opened = await openSpool({
      dir,
      maxBytes: 1e9,
      columns: { traces: ['id', 'kind'], attempts: ['id', 'kind'] },
      maxRows: 4,
      maxAgeMs: 1e6,
      syncEveryMs: 5,
      world: realWorld,
      log: quietLog,
    })
    const started = startWriter({
      spool: opened,
      insert,
      world: realWorld,
      log: quietLog,
      firstRetryMs: 1,
      maxRetryMs: 3,
    })
    spools.push(opened)
    writers.push(started)
    return [opened, started]
  }
  let [spool, writer] = await start(dirs[0] ?? '')

  const copyOf = (dir: string) => {
    const copy = mkdtempSync(join(tmpdir(), 'understudy-spool-'))
    dirs.push(copy)
    return afterKill(dir, copy)
  }

  /** What the disk holds at this instant becomes the directory of the next process. */
  const dieAnd = async (damage: (openSegment: string, of: SpooledTable) => void) => {
    generation += 1
    const dir = copyOf(spool.dir)
    for (const of of ['traces', 'attempts'] as const) {
      for (const name of readdirSync(join(dir, of))) if (name.endsWith('.open')) damage(join(dir, of, name), of)
    }
    ;[spool, writer] = await start(dir)
  }

  return {
    take: async (next: Step): Promise<void> => {
      switch (next.do) {
        case 'append': {
          const rows = next.kinds.map((one) => `[${(rowsSoFar += 1)},"${one}"]`)
          await new Promise<void>((resolve) =>
            spool.append(
              rows.map((line) => ({ table: next.table, line })),
              resolve,
            ),
          )
          for (const row of rows) expected[next.table].add(row)
          return
        }
        case 'seal':
          return spool.seal()
        case 'work':
          for (let turn = 0; turn < next.turns; turn += 1) await new Promise((resolve) => void setImmediate(resolve))
          return
        case 'kill':
          return dieAnd((file) => appendFileSync(file, '[0,"good"]'.slice(0, next.tail)))
        case 'killInInsert': {
          deathIn = { inserts: next.after, dead: Promise.withResolvers() }
          spool.seal()
          const left = await Promise.race([deathIn.dead.promise, writer.drain(10_000)])
          deathIn = undefined
          if (left === 'empty') return
          if (left === 'deadline') throw new Error('the writer is stuck')
          isMended ||= next.mends
          ;[spool, writer] = await start(left)
          return
        }
        case 'powerCut':
          return dieAnd((file, of) => {
            const before = readFileSync(file)
            const left = before.subarray(0, Math.max(0, before.length - next.bytes))
            truncateSync(file, left.length)
            const lost = before.subarray(left.lastIndexOf('\n') + 1).toString()
            for (const row of lost.split('\n')) expected[of].delete(row)
          })
        case 'mend':
          isMended = true
      }
    },
    finish: async () => {
      isOver = true
      spool.seal()
      expect(await writer.drain(10_000)).toBe('empty')
      for (const of of ['traces', 'attempts'] as const) {
        const dead = readDead(dirs.at(-1) ?? '', of)
        // A row may be dead in the directory of a process and, before that was noted, in the next one's as well.
        const found = [...ledger.rows(of), ...[...ledger.quarantined(of), ...new Set(dead)].map(asSpooled)]
        expect(found.toSorted()).toEqual([...expected[of]].toSorted())
      }
      expect(ledger.misusedTokens).toEqual([])
      expect(spool.status()).toMatchObject({ segments: 0, rows: 0, bytes: 0 })
    },
    cleanUp: async () => {
      generation += 1
      await Promise.all(spools.map((opened) => opened.close()))
      void Promise.all(writers.map((started) => started.close()))
      for (const dir of dirs) rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** The line of a row that was set aside as an object, which names every field. */
function asSpooled(readable: string): string {
  const { id, kind }: { id: number; kind: string } = JSON.parse(readable)
  return JSON.stringify([id, kind])
}

function readDead(dir: string, of: SpooledTable): string[] {
  const dead = join(dir, 'dead')
  return readdirSync(dir).includes('dead')
    ? readdirSync(dead)
        .filter((name) => name.startsWith(of) && name.endsWith('.json'))
        .map((name): { row: string } => JSON.parse(readFileSync(join(dead, name), 'utf8')))
        .map(({ row }) => row)
    : []
}
