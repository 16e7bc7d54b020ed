import { isObject, parseJson, textOf, type JsonObject } from './json.ts'
import type { Playbill, Playing } from './playbill.ts'
import { SCENARIO_NAMES, SCENARIOS } from './scenarios.ts'

/** Where scenarios are put on and taken off while the simulator runs; no provider has anything there. */
export const SCENARIO_PATH = '/simulator/scenario'

export type ScenarioReply = { readonly status: number; readonly json: JsonObject }

/**
 * `POST {"scenario": "outage"}` puts one on, for the requests of one `model` or with one `key` where the body names them;
 * `"none"` takes off what plays in that scope, `DELETE` everything, `GET` tells what is on and what there is.
 */
export function answerScenario(playbill: Playbill, method: string, body: Buffer): ScenarioReply {
  switch (method) {
    case 'GET':
      break
    case 'DELETE':
      playbill.stop()
      break
    case 'POST': {
      const fault = play(playbill, parseJson(body))
      if (fault !== undefined) return { status: 400, json: { error: fault } }
      break
    }
    default:
      return { status: 405, json: { error: `expected GET, POST or DELETE, found ${method}` } }
  }
  const known = Object.fromEntries(SCENARIO_NAMES.map((name) => [name, SCENARIOS[name].says]))
  return { status: 200, json: { playing: playbill.playing().map(playingJson), known } }
}

/** What is wrong with the body; undefined where it was done. */
function play(playbill: Playbill, body: unknown): string | undefined {
  if (!isObject(body)) return 'expected a JSON object such as {"scenario": "outage"}'
  const unknown = Object.keys(body).find((field) => !FIELDS.includes(field))
  if (unknown !== undefined) return `expected the fields ${FIELDS.join(', ')}, found ${unknown}`
  const [model, key] = [textOf(body['model']), textOf(body['key'])]
  if ((model === undefined && 'model' in body) || (key === undefined && 'key' in body)) {
    return 'expected model and key to be text'
  }
  if (body['scenario'] === 'none') {
    playbill.stop({ model, key })
    return undefined
  }
  const scenario = SCENARIO_NAMES.find((name) => name === body['scenario'])
  if (scenario === undefined) return `expected a scenario of ${SCENARIO_NAMES.join(', ')}, or none`
  playbill.play(scenario, { model, key })
  return undefined
}

const FIELDS = ['scenario', 'model', 'key']

function playingJson({ scenario, model, key, requests }: Playing): JsonObject {
  return { scenario, model: model ?? null, key: key ?? null, requests }
}
