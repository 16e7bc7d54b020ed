import { checkAdmin } from './admin-checks.ts'
import { checkAudits } from './audit-checks.ts'
import { checkContent } from './content-checks.ts'
import { checkHealth } from './health-checks.ts'
import { checkJudge } from './judge-checks.ts'
import { checkKinds } from './kind-checks.ts'
import { checkLabels } from './label-checks.ts'
import type { Finding, Loose } from './loose.ts'
import { checkModels } from './model-checks.ts'
import { checkPrices } from './price-checks.ts'
import { checkProviders } from './provider-checks.ts'
import { checkRollouts } from './rollout-checks.ts'
import { checkRoutes } from './route-checks.ts'
import { checkShadows } from './shadow-checks.ts'
import { checkStore } from './store-checks.ts'

/** Every fault that needs more than one value, or a name, to be seen. */
export function crossCheck(file: Loose): Finding[] {
  return [
    ...checkAdmin(file),
    ...checkProviders(file),
    ...checkKinds(file),
    ...checkStore(file),
    ...checkContent(file),
    ...checkPrices(file),
    ...checkRoutes(file),
    ...checkShadows(file),
    ...checkRollouts(file),
    ...checkJudge(file),
    ...checkAudits(file),
    ...checkLabels(file),
    ...checkModels(file),
    ...checkHealth(file),
  ]
}
