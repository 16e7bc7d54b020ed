import type { Terminal } from './terminal.ts'
import { runSimulator } from './simulator.ts'

/** Runs the simulated provider until it is told to stop. */
export async function simulate(
  { process, print }: Terminal,
  options: { readonly port: number; readonly host: string; readonly seed: number },
): Promise<number> {
  const simulator = await runSimulator({ ...options, log: print })
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
  await simulator.close()
  return 0
}
