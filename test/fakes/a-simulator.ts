import { afterAll, beforeAll } from 'vitest'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/start-simulator.ts'

/** A simulator for the tests of one file, closed after the last of them. Call at the top of the file or a `describe`. */
export function aSimulator(options: SimulatorOptions = {}): () => Simulator {
  let simulator: Simulator | undefined
  beforeAll(async () => {
    simulator = await startSimulator(options)
  })
  afterAll(() => simulator?.close())
  return () => {
    if (simulator === undefined) throw new Error('aSimulator: used before its beforeAll ran')
    return simulator
  }
}

const KEY = { authorization: 'Bearer sk-test', 'x-api-key': 'sk-ant-test', 'anthropic-version': '2023-06-01' }

/** Posts JSON with a key of either kind; `fault` goes into `x-sim-fault`. */
export function post(
  url: string,
  body: unknown,
  fault?: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...KEY,
      ...(fault === undefined ? {} : { 'x-sim-fault': fault }),
      ...headers,
    },
    body: JSON.stringify(body),
  })
}

/** A chat body with one user turn. */
export function aChat(content = 'What is 17 + 25?', changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { model: 'sim-plain', messages: [{ role: 'user', content }], ...changes }
}

/** The data of every SSE event of a text, comments left out. */
export function eventData(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data: '))
    .map((line) => line.slice('data: '.length))
}
