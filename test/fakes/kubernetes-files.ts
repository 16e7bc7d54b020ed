import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'

const DIRECTORY = resolve(import.meta.dirname, '../../config/kubernetes')

const labels = z.record(z.string(), z.string())
const metadata = z.strictObject({ name: z.string(), labels })
const selector = z.strictObject({ matchLabels: labels })
const port = z.union([z.string(), z.number()])
const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string(), port }),
  periodSeconds: z.number(),
  timeoutSeconds: z.number().optional(),
  failureThreshold: z.number().optional(),
})

/** The fields of the Kubernetes API that we use; the API server itself would drop a misspelt one in silence. */
const Container = z.strictObject({
  name: z.string(),
  image: z.string(),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  envFrom: z.array(z.strictObject({ secretRef: z.strictObject({ name: z.string() }) })),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.number() })),
  startupProbe: probe,
  readinessProbe: probe,
  livenessProbe: probe,
  lifecycle: z.strictObject({
    preStop: z.strictObject({ sleep: z.strictObject({ seconds: z.number() }) }),
  }),
  resources: z.strictObject({ requests: labels, limits: labels }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.boolean(),
    readOnlyRootFilesystem: z.boolean(),
    capabilities: z.strictObject({ drop: z.array(z.string()) }),
  }),
  volumeMounts: z.array(z.strictObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() })),
})

const PodSpec = z.strictObject({
  automountServiceAccountToken: z.boolean(),
  enableServiceLinks: z.boolean(),
  terminationGracePeriodSeconds: z.number(),
  securityContext: z.strictObject({
    runAsNonRoot: z.boolean(),
    runAsUser: z.number(),
    runAsGroup: z.number(),
    fsGroup: z.number(),
    fsGroupChangePolicy: z.string(),
    seccompProfile: z.strictObject({ type: z.string() }),
  }),
  topologySpreadConstraints: z.array(
    z.strictObject({
      maxSkew: z.number(),
      topologyKey: z.string(),
      whenUnsatisfiable: z.string(),
      labelSelector: selector,
    }),
  ),
  containers: z.tuple([Container]),
  volumes: z.array(
    z.union([
      z.strictObject({ name: z.string(), configMap: z.strictObject({ name: z.string() }) }),
      z.strictObject({ name: z.string(), emptyDir: z.strictObject({ sizeLimit: z.string() }) }),
    ]),
  ),
})

const Resource = z.discriminatedUnion('kind', [
  z.strictObject({ apiVersion: z.literal('v1'), kind: z.literal('ConfigMap'), metadata, data: labels }),
  z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Secret'),
    metadata,
    type: z.string(),
    stringData: labels,
  }),
  z.strictObject({
    apiVersion: z.literal('apps/v1'),
    kind: z.literal('Deployment'),
    metadata,
    spec: z.strictObject({
      replicas: z.number(),
      strategy: z.strictObject({
        type: z.string(),
        rollingUpdate: z.strictObject({ maxSurge: z.number(), maxUnavailable: z.number() }),
      }),
      selector,
      template: z.strictObject({ metadata: z.strictObject({ labels }), spec: PodSpec }),
    }),
  }),
  z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Service'),
    metadata,
    spec: z.strictObject({
      selector: labels,
      ports: z.array(z.strictObject({ name: z.string(), port: z.number(), targetPort: port })),
    }),
  }),
  z.strictObject({
    apiVersion: z.literal('policy/v1'),
    kind: z.literal('PodDisruptionBudget'),
    metadata,
    spec: z.strictObject({ maxUnavailable: z.number(), selector }),
  }),
  z.strictObject({
    apiVersion: z.literal('networking.k8s.io/v1'),
    kind: z.literal('NetworkPolicy'),
    metadata,
    spec: z.strictObject({
      podSelector: selector,
      policyTypes: z.array(z.string()),
      ingress: z.array(
        z.strictObject({
          from: z.array(
            z.strictObject({ namespaceSelector: selector.partial().optional(), podSelector: selector.optional() }),
          ),
          ports: z.array(z.strictObject({ port })),
        }),
      ),
    }),
  }),
])

type Resource = z.output<typeof Resource>

/** Everything under config/kubernetes. Throws on what is not YAML or has a field that is none of those above. */
export const kubernetesResources: readonly Resource[] = readdirSync(DIRECTORY).flatMap((file) =>
  parseAllDocuments(readFileSync(join(DIRECTORY, file), 'utf8')).map((document) => {
    const [fault] = document.errors
    if (fault !== undefined) throw fault
    return Resource.parse(document.toJS())
  }),
)

/** All of one kind. */
export function resourcesOf<Kind extends Resource['kind']>(kind: Kind): readonly Extract<Resource, { kind: Kind }>[] {
  return kubernetesResources.filter((resource): resource is Extract<Resource, { kind: Kind }> => resource.kind === kind)
}

/** The only one of its kind. */
export function theOnly<Kind extends Resource['kind']>(kind: Kind): Extract<Resource, { kind: Kind }> {
  const [first, ...others] = resourcesOf(kind)
  if (first === undefined || others.length > 0) throw new Error(`expected one ${kind}, found ${others.length + 1}`)
  return first
}

/** Bytes of a quantity such as `5Gi`. */
export function quantityBytes(text: string): number {
  const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(text) ?? []
  if (number === undefined) throw new Error(`no quantity: ${text}`)
  return Number(number) * (unit === 'Gi' ? 1024 ** 3 : 1024 ** 2)
}
