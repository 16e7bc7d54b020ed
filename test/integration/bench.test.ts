import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { BARE, DIRECT } from '../bench/contenders.ts'

const Report = z.object({
  rows: z.array(
    z.object({
      name: z.string(),
      requestsPerSecond: z.number(),
      cpuPerRequestUs: z.number().optional(),
      cpuPerChunkUs: z.number().optional(),
      addedFirstByteP50Ms: z.number(),
      faults: z.number(),
    }),
  ),
})

const Sustained = z.object({
  result: z.object({ answers: z.number(), faults: z.number(), unsent: z.number() }),
  rows: z.number(),
  allRowsAfterMs: z.number(),
  overdueRows: z.number(),
})

/** Runs the bench; the file it left, and what it printed. */
async function bench(...args: string[]): Promise<{ readonly report: unknown; readonly printed: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'understudy-bench-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'report.json')
  const script = fileURLToPath(new URL('../bench/bench.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args, `--json=${file}`])
  return { report: JSON.parse(readFileSync(file, 'utf8')), printed: stdout }
}

it('measures a proxy against the direct way without a single fault, and leaves a table and a file', async () => {
  const { report, printed } = await bench('--quick', '--rounds=1', '--seconds=0.5', `--only=${BARE}`)
  const { rows } = Report.parse(report)
  expect(rows.map(({ name, faults }) => ({ name, faults }))).toEqual([
    { name: DIRECT, faults: 0 },
    { name: BARE, faults: 0 },
  ])
  const [direct, bare] = rows
  expect(bare?.requestsPerSecond).toBeGreaterThan(0)
  expect(direct?.cpuPerRequestUs).toBeUndefined()
  // CPU time comes from /proc, which only Linux has.
  const countsCpu = [bare?.cpuPerRequestUs, bare?.cpuPerChunkUs].map((us) => us !== undefined && us > 0)
  expect(countsCpu).toEqual([existsSync('/proc'), existsSync('/proc')])
  expect(printed).toContain('| CPU µs/request |')
})

it('finds each answer of constant arrivals as a row, and says whether the rate was reached', async () => {
  const { report, printed } = await bench('--soak', '--rate=200', '--seconds=2')
  const { result, rows, overdueRows } = Sustained.parse(report)
  expect(result).toEqual({ answers: 400, faults: 0, unsent: 0 })
  expect([rows, overdueRows]).toEqual([400, 0])
  expect(printed).toMatch(/200 requests\/s for 2 s: reached/)
})
