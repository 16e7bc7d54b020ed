import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { playRollouts } from '../fakes/demo-candidates.ts'

it(
  'of four candidates the worthy one takes over and the others do not, each for a reason on screen',
  { timeout: 320_000 },
  async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'understudy-demo-test-'))
    onTestFinished(() => rmSync(temporary, { recursive: true, force: true }))
    const stdout = await playRollouts(1, temporary)
    expect(stdout).toMatch(/summaries +baking: every guardrail is within its margin at\s+50%/)
    expect(stdout).toMatch(/^worthy +(baking|succeeded)/m)
    expect(stdout).toMatch(/^careless +rolled back \((error|quality)\)/m)
    expect(stdout).toMatch(/^sluggish +rolled back \(slow\)/m)
    expect(stdout).not.toMatch(/research +ramping at 50%/)
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(readdirSync(temporary)).toEqual([])
  },
)
