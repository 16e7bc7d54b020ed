import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
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

it('measures a proxy against the direct way without a single fault, and leaves a table and a file', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'understudy-bench-test-'))
  try {
    const file = join(directory, 'report.json')
    const script = fileURLToPath(new URL('../bench/bench.ts', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [
      script,
      '--quick',
      '--rounds=1',
      `--only=${BARE}`,
      `--json=${file}`,
    ])
    const { rows } = Report.parse(JSON.parse(readFileSync(file, 'utf8')))
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
    expect(stdout).toContain('| CPU µs/request |')
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
