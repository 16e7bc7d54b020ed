import fc from 'fast-check'
import { expect, it } from 'vitest'
import { resolvePaths } from '../../src/config/api-path.ts'
import { followPath } from '../../src/dialects/follow-path.ts'

const segment = fc.constantFrom('v1', 'openai', 'deployments', 'chat', 'm%2F1', '%', '', 'v12')
const path = fc.array(segment, { maxLength: 5 }).map((segments) => segments.map((text) => `/${text}`).join(''))
const prefix = fc.array(fc.constantFrom('v1', 'openai', 'deployments'), { maxLength: 3 }).map((s) => `/${s.join('/')}`)
const paths = fc
  .dictionary(prefix, prefix, { maxKeys: 4 })
  .chain((plain) => fc.boolean().map((hasStar) => (hasStar ? { ...plain, '/openai/*': '/up/*' } : plain)))

it('a path keeps all that stands behind its prefix, and the longest prefix counts', () => {
  fc.assert(
    fc.property(path, paths, (asked, table) => {
      const resolved = resolvePaths(table) ?? []
      const found = followPath(asked, resolved)
      const below = resolved.filter(({ client }) => asked === client || asked.startsWith(`${client}/`))
      const fits = below.find(({ client, namesModel }) => {
        const rest = asked.slice(client.length)
        return !namesModel || rest.indexOf('/', 1) > 1
      })
      expect(found?.upstream).toBe(fits === undefined ? undefined : fits.upstream + asked.slice(fits.client.length))
      expect(found === undefined || found.upstream.endsWith(found.operation)).toBe(true)
      expect(found?.model !== undefined).toBe(fits?.namesModel === true)
    }),
  )
})
