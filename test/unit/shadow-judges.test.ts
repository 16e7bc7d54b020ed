import { aSimulator } from '../fakes/a-simulator.ts'
import { judgePromises } from '../fakes/judge-promises.ts'

const simulator = aSimulator()
// Of 500 pairs: three standard errors of a d whose variance is .42.
judgePromises(() => simulator().url, 500, 0.09)
