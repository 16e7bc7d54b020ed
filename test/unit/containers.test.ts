import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { adminRoutes } from '../../src/admin/routes.ts'
import { checkConfig } from '../../src/config/check.ts'
import { configOf, faultsOf } from '../fakes/a-config.ts'
import { adminPorts } from '../fakes/admin-ports.ts'
import { composeFile, composeText, mount, publishedPort } from '../fakes/compose-file.ts'
import { copied, execForm, readDockerfile, textsOf } from '../fakes/dockerfile.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const manifest = z
  .object({ version: z.string(), devDependencies: z.object({ node: z.string() }) })
  .parse(JSON.parse(read('package.json')))

/** What compose.ts gives the store after the deadline of requests under way has passed. */
const DRAIN_SECONDS = 10
const config = read('config/understudy.compose.yaml')
const { proxy, clickhouse, 'otel-collector': collector } = composeFile.services
/** Names of `${…}` in a text, those without a default and all. */
const wanted = (text: string): readonly string[] => [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name)
const mentioned = (text: string): readonly string[] => [...text.matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name)

const environmentOfCompose = { UNDERSTUDY_ADMIN_TOKEN: 'a', CLICKHOUSE_PASSWORD: 'p' }
const { boot } = configOf(config, environmentOfCompose)
const probePaths = adminRoutes(adminPorts())
  .filter(({ need, method }) => need === 'nothing' && method === 'GET')
  .map(({ path }) => path)

describe('Dockerfile', () => {
  const { args, stages } = readDockerfile(join(ROOT, 'Dockerfile'))
  const [dependencies = [], image = []] = stages
  const ignored = read('.dockerignore')
    .split('\n')
    .filter((line) => /^[\w.]/.test(line))
  const kept = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path]) => path)

  test('every stage is the Node that the project pins, by digest', () => {
    expect(args.get('NODE_IMAGE')).toMatch(
      new RegExp(`^node:${RegExp.escape(manifest.devDependencies.node)}-[\\w-]+@sha256:[0-9a-f]{64}$`),
    )
    expect(stages.map((stage) => textsOf(stage, 'FROM')[0])).toEqual(['${NODE_IMAGE} AS dependencies', '${NODE_IMAGE}'])
  })

  test('only knows instructions that there are', () => {
    const known = 'FROM WORKDIR COPY RUN LABEL ENV USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD'.split(' ')
    expect(stages.flat().filter(({ name }) => !known.includes(name))).toEqual([])
  })

  test('copies only what exists, and what the builder is given', () => {
    const sources = stages.flatMap((stage) => textsOf(stage, 'COPY').flatMap((text) => copied(text)?.sources ?? []))
    expect(sources.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
    expect(new Set(sources)).toEqual(new Set(kept))
    expect(ignored.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })

  test('gives the builder nothing that could hold a secret or is for development', () => {
    expect(
      read('.dockerignore')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))[0],
    ).toBe('*')
    expect(kept.filter((path) => /^(test|node_modules|\.git|\.env|\.understudy)/.test(path ?? ''))).toEqual([])
  })

  test('installs without what is for development and without the engine', () => {
    expect(textsOf(dependencies, 'RUN')).toEqual(['npm ci --omit=dev --omit=optional --ignore-scripts'])
  })

  test('runs as a user without a name that could be mistaken for root, who owns the data directory', () => {
    const [user = ''] = textsOf(image, 'USER')
    expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
    const [uid, gid] = user.split(':')
    expect(textsOf(image, 'RUN').join(' ')).toContain(`install -d -o ${uid} -g ${gid} -m 0700 ${boot.dataDir}`)
  })

  test('starts the command line itself, so that signals arrive, and keeps the data on a volume', () => {
    expect(execForm(textsOf(image, 'ENTRYPOINT')[0] ?? '')).toEqual(['node', '/app/src/bin.mjs'])
    expect(execForm(textsOf(image, 'CMD')[0] ?? '')).toEqual(['serve'])
    expect(textsOf(image, 'STOPSIGNAL')).toEqual(['SIGTERM'])
    expect(textsOf(image, 'VOLUME')).toEqual([boot.dataDir])
  })

  test('exposes the ports of its config, and asks the admin port whether it is alive', () => {
    expect(textsOf(image, 'EXPOSE')).toEqual([`${boot.data.port} ${boot.admin.port}`])
    const [, url = ''] = /fetch\('([^']+)'\)/.exec(textsOf(image, 'HEALTHCHECK')[0] ?? '') ?? []
    expect(new URL(url).port).toBe(String(boot.admin.port))
    expect(probePaths).toContain(new URL(url).pathname)
  })

  test('says the version of the package', () => {
    expect(textsOf(image, 'LABEL').join(' ')).toContain(`org.opencontainers.image.version="${manifest.version}"`)
    expect(proxy.image).toBe(`understudy:${manifest.version}`)
  })

  test('starts with a config that it holds', () => {
    const [, path] = /UNDERSTUDY_CONFIG=\/app\/(\S+)/.exec(textsOf(image, 'ENV').join(' ')) ?? []
    expect(path).toBe('config/understudy.compose.yaml')
  })
})

describe('docker-compose.yml', () => {
  const services = Object.values(composeFile.services)

  test('pins every image that it pulls, by version and digest', () => {
    const pulled = services.filter(({ build }) => build === undefined).map(({ image }) => image)
    expect(pulled).toHaveLength(6)
    for (const image of pulled) expect(image).toMatch(/^[\w./-]+:\d+(\.\d+)+@sha256:[0-9a-f]{64}$/)
  })

  test('publishes on loopback only', () => {
    const published = services.flatMap(({ ports }) => ports.map(publishedPort))
    expect(published.length).toBeGreaterThan(3)
    expect(published.filter(({ host }) => host !== '127.0.0.1')).toEqual([])
    expect(new Set(published.map(({ port }) => port)).size).toBe(published.length)
  })

  test('publishes the ports that are listened on', () => {
    const targets = (ports: readonly string[]): readonly number[] => ports.map((text) => publishedPort(text).target)
    expect(targets(proxy.ports)).toEqual([boot.data.port, boot.admin.port])
    expect(boot.store.kind === 'url' && new URL(boot.store.url).port).toBe(String(targets(clickhouse.ports)[0]))
    const otel = read('config/otel-collector.yaml')
    expect(targets(collector.ports).filter((port) => !otel.includes(`endpoint: 0.0.0.0:${port}`))).toEqual([])
    expect(proxy.environment['OTEL_EXPORTER_OTLP_ENDPOINT']).toBe(
      `http://otel-collector:${targets(collector.ports)[0]}`,
    )
  })

  test('mounts only what exists, read-only, and declares every volume', () => {
    const mounts = services.flatMap(({ volumes }) => volumes.map(mount))
    const ofHost = mounts.filter(({ source }) => source.startsWith('.'))
    expect(ofHost.length).toBeGreaterThan(2)
    expect(ofHost.filter(({ source, isReadOnly }) => !isReadOnly || !existsSync(join(ROOT, source)))).toEqual([])
    const named = mounts.filter(({ source }) => !source.startsWith('.')).map(({ source }) => source)
    expect(Object.keys(composeFile.volumes).toSorted()).toEqual(named.toSorted())
  })

  test('keeps the spool on a volume, and the config as a directory, so that it reloads', () => {
    const mounts = proxy.volumes.map(mount)
    expect(mounts.find(({ target }) => target === boot.dataDir)?.isReadOnly).toBe(false)
    const used = String(proxy.environment['UNDERSTUDY_CONFIG'])
    const directory = mounts.find(({ target }) => used.startsWith(`${target}/`))
    expect(existsSync(join(ROOT, directory?.source ?? '', used.slice((directory?.target.length ?? 0) + 1)))).toBe(true)
  })

  test('gives the config every variable that has no default', () => {
    expect(wanted(config).filter((name) => !(name in proxy.environment))).toEqual([])
    expect(faultsOf(config, environmentOfCompose)).toEqual([])
  })

  test('sends variables of its own only to a config that reads them', () => {
    const own = Object.keys(proxy.environment).filter((name) => !/^(OTEL_|UNDERSTUDY_CONFIG$)/.test(name))
    expect(own.filter((name) => !mentioned(config).includes(name))).toEqual([])
  })

  test('refuses to start without the three secrets, and says what to do', () => {
    const secrets = ['UNDERSTUDY_ADMIN_TOKEN', 'CLICKHOUSE_PASSWORD', 'GRAFANA_PASSWORD']
    const required = [...composeText.matchAll(/\$\{(\w+):\?set it in \.env/g)].map(([, name]) => name)
    expect(new Set(required)).toEqual(new Set(secrets))
    const [, named = ''] = /for name in ([A-Z_ ]+); do/.exec(composeText) ?? []
    expect(named.split(' ')).toEqual(secrets)
    const others = mentioned(composeText).filter((name) => !required.includes(name))
    expect(others.filter((name) => !composeText.includes(`\${${name}:-`))).toEqual([])
  })

  test('gives proxy and ClickHouse the same user and password', () => {
    for (const name of ['CLICKHOUSE_USER', 'CLICKHOUSE_PASSWORD']) {
      expect(proxy.environment[name]).toBe(clickhouse.environment[name])
    }
    expect(read('config/clickhouse-server/users.d/understudy.xml')).toContain(
      `<${clickhouse.environment['CLICKHOUSE_USER']}>`,
    )
  })

  test('starts the proxy after a healthy ClickHouse, and without one as well', () => {
    expect(proxy.depends_on).toEqual({ clickhouse: { condition: 'service_healthy', required: false } })
    expect(clickhouse.healthcheck?.test.at(-1)).toBe(
      `http://127.0.0.1:${publishedPort(clickhouse.ports[0] ?? '').target}/ping`,
    )
  })

  test('does not kill the proxy before it has finished and handed its rows over', () => {
    expect(proxy.stop_grace_period).toBeGreaterThan(boot.shutdownDeadlineMs / 1000 + DRAIN_SECONDS)
  })

  test('lets ClickHouse refuse a query before the kernel kills the server', () => {
    const [, limit] =
      /<max_server_memory_usage>(\d+)</.exec(read('config/clickhouse-server/config.d/understudy.xml')) ?? []
    expect(clickhouse.mem_limit).toBeGreaterThan(Number(limit) * 1.2)
  })

  test('takes from the proxy what it does not need', () => {
    expect(proxy).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
  })
})

describe('the profile of a cluster', () => {
  const { 'clickhouse-1': one, 'clickhouse-2': two, 'clickhouse-keeper': keeper } = composeFile.services
  const clusterXml = read('config/clickhouse-cluster/config.d/zz-cluster.xml')
  const keeperXml = read('config/clickhouse-cluster/keeper.xml')
  const usersXml = read('config/clickhouse-cluster/users.d/zz-cluster.xml')
  const hosts = (xml: string): readonly string[] =>
    [...xml.matchAll(/<host(?:name)?>([\w-]+)</g)].map(([, host = '']) => host)

  test('adds two replicas and a keeper, and nothing to those who do not ask for it', () => {
    for (const service of [one, two, keeper]) expect(service.profiles).toEqual(['cluster'])
    for (const service of [proxy, clickhouse, collector]) expect(service.profiles).toBeUndefined()
    expect([one.ports, two.ports, keeper.ports]).toEqual([[], [], []])
    expect(new Set([one.image, two.image, keeper.image])).toEqual(new Set([clickhouse.image]))
  })

  test('names every replica and the keeper as compose does, with the port that is listened on', () => {
    expect(new Set(hosts(clusterXml))).toEqual(new Set(['clickhouse-1', 'clickhouse-2', 'clickhouse-keeper']))
    expect(hosts(keeperXml)).toEqual(['clickhouse-keeper'])
    const [, port] = /<tcp_port>(\d+)</.exec(keeperXml) ?? []
    expect(clusterXml).toContain(`<node><host>clickhouse-keeper</host><port>${port}</port></node>`)
  })

  test('tells each replica who it is, and gives both the same secret', () => {
    const wantedByServer = [...clusterXml.matchAll(/from_env="(\w+)"/g)].map(([, name = '']) => name)
    for (const [name, service] of [
      ['clickhouse-1', one],
      ['clickhouse-2', two],
    ] as const) {
      expect(wantedByServer.filter((variable) => !(variable in service.environment))).toEqual([])
      expect(service.environment['CLICKHOUSE_REPLICA']).toBe(name)
      expect(service.environment['CLICKHOUSE_USER']).toBe(proxy.environment['CLICKHOUSE_USER'])
    }
    expect(one.environment['CLICKHOUSE_CLUSTER_SECRET']).toBe(two.environment['CLICKHOUSE_CLUSTER_SECRET'])
  })

  test('is merged after what it is laid over, and grants no less', () => {
    for (const file of ['config.d', 'users.d']) {
      const base = readdirSync(join(ROOT, 'config/clickhouse-server', file)).at(-1)
      const [over] = readdirSync(join(ROOT, 'config/clickhouse-cluster', file))
      expect((base ?? '') < (over ?? '')).toBe(true)
    }
    const granted = (xml: string): readonly string[] =>
      [...xml.matchAll(/<query>(.*?)<\/query>/g)].map(([, query = '']) => query)
    const base = granted(read('config/clickhouse-server/users.d/understudy.xml'))
    const over = granted(usersXml)
    for (const query of base) {
      expect(over).toContain(query.replace(/ ENGINE ON (?=\w*MergeTree)(?!MergeTree)/, ' ENGINE ON Replicated'))
    }
  })

  test('is reached by the variables that the head of the file names', () => {
    const [, url = '', cluster = ''] = /CLICKHOUSE_URL=(\S+?)\\nCLICKHOUSE_CLUSTER=([a-z]+)/.exec(composeText) ?? []
    const { store } = configOf(config, {
      ...environmentOfCompose,
      CLICKHOUSE_URL: url,
      CLICKHOUSE_CLUSTER: cluster,
    }).boot
    expect(store).toMatchObject({ kind: 'url', url: 'http://clickhouse-1:8123', cluster: 'understudy' })
    expect(clusterXml).toContain(`<${cluster}>`)
    const plain = configOf(config, { ...environmentOfCompose, CLICKHOUSE_CLUSTER: '' }).boot.store
    expect(plain).toMatchObject({ kind: 'url', cluster: undefined })
  })
})

test('every pipeline of the collector is made of components that it configures', () => {
  const names = z.record(z.string(), z.unknown())
  const Collector = z.strictObject({
    receivers: names,
    processors: names,
    connectors: names,
    exporters: names,
    service: z.object({
      pipelines: z.record(
        z.string(),
        z.strictObject({
          receivers: z.array(z.string()),
          processors: z.array(z.string()),
          exporters: z.array(z.string()),
        }),
      ),
    }),
  })
  const otel = Collector.parse(parse(read('config/otel-collector.yaml')))
  const pipelines = Object.values(otel.service.pipelines)
  const used = (kind: 'receivers' | 'processors' | 'exporters'): readonly string[] =>
    [...new Set(pipelines.flatMap((pipeline) => pipeline[kind]))].toSorted()
  const connectors = Object.keys(otel.connectors)
  expect(used('receivers')).toEqual([...Object.keys(otel.receivers), ...connectors].toSorted())
  expect(used('exporters')).toEqual([...Object.keys(otel.exporters), ...connectors].toSorted())
  expect(used('processors')).toEqual(Object.keys(otel.processors).toSorted())
  expect(pipelines.map(({ processors }) => processors[0])).toEqual(pipelines.map(() => 'memory_limiter'))
  const { limit_mib: limitMib } = z.object({ limit_mib: z.number() }).parse(otel.processors['memory_limiter'])
  expect(limitMib * 1024 ** 2).toBeLessThan(collector.mem_limit)
})

describe('every config that is shipped', () => {
  const shipped = readdirSync(join(ROOT, 'config')).filter((file) => /^(understudy|simulator).*\.yaml$/.test(file))

  test.each(shipped)('%s is good with the variables that its README or container asks for', async (file) => {
    const { ok, lines } = await checkConfig({
      file: join(ROOT, 'config', file),
      environment: environmentOfCompose,
      baseDir: ROOT,
    })
    expect({ ok, lines: ok ? [] : lines }).toEqual({ ok: true, lines: [] })
  })

  test('the one of the container does not start without an admin token', () => {
    expect(faultsOf(config, { CLICKHOUSE_PASSWORD: 'p' })).toEqual([expect.stringContaining('UNDERSTUDY_ADMIN_TOKEN')])
  })
})
