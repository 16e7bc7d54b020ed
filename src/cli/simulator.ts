import { SCENARIO_PATH } from '../simulator/scenario-endpoint.ts'
import { SCENARIO_NAMES } from '../simulator/scenarios.ts'
import { startSimulator, type Simulator } from '../simulator/start-simulator.ts'

export type RunSimulatorOptions = {
  readonly port: number
  readonly host: string
  readonly seed: number
  /** Prints one line. */
  readonly log: (line: string) => void
}

/** Starts a simulated provider, says where it listens and how to try it. The caller closes it. */
export async function runSimulator({ port, host, seed, log }: RunSimulatorOptions): Promise<Simulator> {
  const simulator = await startSimulator({ port, host, seed })
  log(
    `Simulated OpenAI, Anthropic and Gemini at ${simulator.url} (seed ${seed}). Any API key is accepted; no model is called.`,
  )
  log('')
  log('Try it:')
  log(
    `  curl ${simulator.url}/v1/chat/completions -H 'authorization: Bearer any' -H 'content-type: application/json' \\`,
  )
  log(`    -d '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"What is 17 + 25?"}]}'`)
  log(
    `OpenAI SDK: baseURL ${simulator.url}/v1, Anthropic SDK: baseURL ${simulator.url}, Gemini SDK: httpOptions.baseUrl ${simulator.url}`,
  )
  log(
    `Models: ${simulator.url}/v1/models. Trouble on demand: add the header 'x-sim-fault: cut@3' (or status@503, hang, drip@20 …).`,
  )
  log(`Trouble for everybody, until it is told "none":`)
  log(`  curl ${simulator.url}${SCENARIO_PATH} -d '{"scenario":"outage"}'`)
  log(`  ${SCENARIO_NAMES.join(', ')}; add "model" or "key" to leave the others alone.`)
  return simulator
}
