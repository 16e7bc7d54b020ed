import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { heldNow, sendGenerated } from '../fakes/hostile-run.ts'
import { startHostileStage } from '../fakes/hostile-stage.ts'
import type { HostileStage } from '../fakes/hostile-stage.ts'

const MB = 1024 * 1024

let stage: HostileStage
beforeAll(async () => {
  stage = await startHostileStage()
})
afterAll(() => stage.close())

it('100 000 malformed requests of a seed never tried before: nothing crashes, hangs, leaks or gets lost', async () => {
  const seed = randomInt(2 ** 31)
  await sendGenerated(stage, 2_000, seed)
  const before = heldNow()
  for (let part = 1; part < 50; part++) await sendGenerated(stage, 2_000, seed + part)
  const after = heldNow()
  expect(after.heapBytes - before.heapBytes).toBeLessThan(24 * MB)
  expect(after.handles - before.handles).toBeLessThan(40)
})
