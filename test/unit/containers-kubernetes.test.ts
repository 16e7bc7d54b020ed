import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { adminRoutes } from '../../src/admin/routes.ts'
import { checkConfig } from '../../src/config/check.ts'
import { configOf, faultsOf } from '../fakes/a-config.ts'
import { adminPorts } from '../fakes/admin-ports.ts'
import { readDockerfile, textsOf } from '../fakes/dockerfile.ts'
import { quantityBytes, resourcesOf, theOnly } from '../fakes/kubernetes-files.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const manifest = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')))
/** What compose.ts gives the store after the deadline of requests under way has passed. */
const DRAIN_SECONDS = 10
/** Names of `${…}` in a text. */
const mentioned = (text: string): readonly string[] => [...text.matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name)
const probePaths = adminRoutes(adminPorts())
  .filter(({ need, method }) => need === 'nothing' && method === 'GET')
  .map(({ path }) => path)

const text = theOnly('ConfigMap').data['understudy.yaml'] ?? ''
const secret = theOnly('Secret')
const { spec } = theOnly('Deployment')
const pod = spec.template.spec
const [container] = pod.containers
const { boot: podBoot } = configOf(text, { ...secret.stringData, UNDERSTUDY_ADMIN_TOKEN: 'a' })

test('the Secret as it is shipped starts nothing: an admin token must be filled in', () => {
  expect(Object.values(secret.stringData).filter((value) => value !== '')).toEqual([])
  expect(faultsOf(text, secret.stringData)).toEqual([expect.stringContaining('UNDERSTUDY_ADMIN_TOKEN')])
})

test('the Secret has every variable of the config, and the config reads every one of the Secret', () => {
  expect(Object.keys(secret.stringData).toSorted()).toEqual([...new Set(mentioned(text))].toSorted())
  expect(container.envFrom).toEqual([{ secretRef: { name: secret.metadata.name } }])
})

test('the config is mounted as a directory, where the proxy looks for it', () => {
  const used = container.env.find(({ name }) => name === 'UNDERSTUDY_CONFIG')?.value ?? ''
  const mounted = container.volumeMounts.find(({ name }) => name === 'config')
  expect(used).toBe(`${mounted?.mountPath}/understudy.yaml`)
  expect(pod.volumes).toContainEqual({ name: 'config', configMap: { name: theOnly('ConfigMap').metadata.name } })
})

test('the spool has a volume, and room for more than it will ever hold', () => {
  expect(container.volumeMounts.find(({ name }) => name === 'spool')?.mountPath).toBe(podBoot.dataDir)
  const volume = pod.volumes.find(({ name }) => name === 'spool')
  expect(volume !== undefined && 'emptyDir' in volume && quantityBytes(volume.emptyDir.sizeLimit)).toBeGreaterThan(
    podBoot.spool.maxBytes * 1.1,
  )
})

test('every probe asks a port that the config opens and a path that needs no token', () => {
  const ports = new Map(container.ports.map(({ name, containerPort }) => [name, containerPort]))
  expect([...ports]).toEqual([
    ['data', podBoot.data.port],
    ['admin', podBoot.admin.port],
  ])
  for (const { httpGet } of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
    expect(ports.get(String(httpGet.port))).toBe(podBoot.admin.port)
    expect(probePaths).toContain(httpGet.path)
  }
  // Whether ClickHouse answers must not restart a proxy.
  expect(container.livenessProbe.httpGet.path).toBe('/healthz')
})

test('the Services lead to named ports of the pod, under the same number', () => {
  const ports = resourcesOf('Service').flatMap((service) => service.spec.ports)
  const numbers = ports.map(({ targetPort, port }) => [targetPort, port])
  expect(numbers).toEqual(container.ports.map(({ name, containerPort }) => [name, containerPort]))
})

test('everything selects the pods of the Deployment', () => {
  const { labels } = spec.template.metadata
  const selectors = [
    spec.selector.matchLabels,
    theOnly('PodDisruptionBudget').spec.selector.matchLabels,
    theOnly('NetworkPolicy').spec.podSelector.matchLabels,
    ...pod.topologySpreadConstraints.map(({ labelSelector }) => labelSelector.matchLabels),
    ...resourcesOf('Service').map((service) => service.spec.selector),
  ]
  expect(selectors).toEqual(selectors.map(() => labels))
})

test('a pod is not killed before it has finished and handed its rows over', () => {
  const needed = container.lifecycle.preStop.sleep.seconds + podBoot.shutdownDeadlineMs / 1000 + DRAIN_SECONDS
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(needed)
})

test("a pod may do no more than the image needs, as the image's own user", () => {
  const [user] = textsOf(readDockerfile(join(ROOT, 'Dockerfile')).stages.at(-1) ?? [], 'USER')
  expect(`${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`).toBe(user)
  expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
  expect(pod.automountServiceAccountToken).toBe(false)
})

test('keeps strangers from both ports', () => {
  const { ingress, policyTypes } = theOnly('NetworkPolicy').spec
  expect(policyTypes).toEqual(['Ingress'])
  expect(ingress.map(({ ports }) => ports)).toEqual([[{ port: 'data' }], [{ port: 'admin' }]])
  expect(ingress.flatMap(({ from }) => from).filter((peer) => Object.keys(peer).length === 0)).toEqual([])
})

test('runs the image of this version, and still serves while one pod is gone', () => {
  expect(container.image).toBe(`understudy:${manifest.version}`)
  expect(spec.replicas).toBeGreaterThan(theOnly('PodDisruptionBudget').spec.maxUnavailable)
  expect(spec.strategy.rollingUpdate.maxUnavailable).toBe(0)
})

test('the config in the ConfigMap passes `understudy check`', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-configmap-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'understudy.yaml'), theOnly('ConfigMap').data['understudy.yaml'] ?? '')
  const environment = { UNDERSTUDY_ADMIN_TOKEN: 'a' }
  const { ok, lines } = await checkConfig({ file: 'understudy.yaml', environment, baseDir: dir })
  expect({ ok, lines: ok ? [] : lines }).toEqual({ ok: true, lines: [] })
})
