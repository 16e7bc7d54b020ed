import { parseArgs } from 'node:util'
import { SCENARIOS } from './scenario.ts'
import { simulateMany, type Summary, tableOf } from './summary.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    /** Scenarios whose name holds this. */
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
})

const summaries: Summary[] = []
for (const scenario of SCENARIOS.filter(({ name }) => name.includes(values.only))) {
  process.stderr.write(`${scenario.name} …\n`)
  summaries.push(simulateMany(scenario, Number(values.runs), Number(values.seed)))
}
process.stdout.write(values.json ? `${JSON.stringify(summaries, undefined, 2)}\n` : `${tableOf(summaries)}\n`)
