import { expect } from 'vitest'
import { runCli } from './run-cli.ts'

/** Plays the rollouts of the demo with `seed`; fails with what was on screen where a candidate did not get what it deserves. */
export async function playRollouts(seed: number, temporary: string): Promise<string> {
  const { code, stdout, stderr } = await runCli(['demo', '--act', 'rollouts', '--seed', String(seed)], {
    environment: { TMPDIR: temporary },
    patienceMs: 300_000,
  })
  expect(code === 0 ? '' : `${stdout}\n${stderr}`, `seed ${seed}`).toBe('')
  return stdout
}
