import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { playRollouts } from '../fakes/demo-candidates.ts'

const temporary = mkdtempSync(join(tmpdir(), 'understudy-demo-test-'))
afterAll(() => rmSync(temporary, { recursive: true, force: true }))

it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
  'with seed %i every candidate gets what it deserves',
  { timeout: 320_000 },
  async (seed) => {
    expect(await playRollouts(seed, temporary)).toMatch(/^worthy +(baking|succeeded)/m)
  },
)
