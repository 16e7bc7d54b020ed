import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ENGINE_READY_MS } from './clickhouse.ts'
import { type Query, queryAs } from './proxy-process.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const LAID_OVER = join(ROOT, 'config/clickhouse-server')

/** A real engine with the settings that docker-compose.yml lays over the server's own. */
export type ComposeClickHouse = {
  readonly url: string
  readonly password: string
  /** As the proxy's user, as the one of Grafana, or as one with every right there is. */
  readonly as: (user: 'understudy' | 'grafana' | 'everything') => Query
  readonly close: () => Promise<void>
}

/** A server's own config: what it keeps about itself, as in the config.xml of the official image. */
const ownConfig = (dir: string, systemLogs: readonly string[]): string => `<clickhouse>
  <users_config>users.xml</users_config>
  <listen_host>127.0.0.1</listen_host>
  <http_port>0</http_port>
  <mysql_port>0</mysql_port>
  <max_server_memory_usage>1700000000</max_server_memory_usage>
  <logger><level>trace</level><log>${dir}/clickhouse.log</log><errorlog>${dir}/errors.log</errorlog></logger>
  <access_control_improvements>
    <select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
  </access_control_improvements>
  ${systemLogs.map((name) => `<${name}><database>system</database><table>${name}</table></${name}>`).join('')}
</clickhouse>
`

const LOOPBACK = '<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>'

/** `default` is of the engine's own session here; the image removes it. */
const OWN_USERS = `<clickhouse>
  <profiles><default/></profiles>
  <users>
    <default><no_password/>${LOOPBACK}
      <grants>
        <query>GRANT SYSTEM LISTEN, CREATE TEMPORARY TABLE ON *.*</query>
        <query>GRANT READ ON FILE</query>
      </grants>
    </default>
    <everything><password>everything</password>${LOOPBACK}</everything>
  </users>
  <quotas><default/></quotas>
</clickhouse>
`

/** The user that the image's entrypoint makes of CLICKHOUSE_USER and CLICKHOUSE_PASSWORD, element by element. */
const entrypointUser = (password: string): string => `<clickhouse>
  <users>
    <understudy>
      <profile>default</profile>
      <networks><ip>::/0</ip></networks>
      <password>${password}</password>
      <quota>default</quota>
      <access_management>0</access_management>
    </understudy>
  </users>
</clickhouse>
`

/** Starts the engine with `systemLogs` in its own config, and with the files of config/clickhouse-server or without. */
export async function startComposeClickHouse(
  systemLogs: readonly string[],
  { isLaidOver }: { readonly isLaidOver: boolean },
): Promise<ComposeClickHouse> {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-compose-'))
  const [conf, data, portFile] = [join(dir, 'conf'), join(dir, 'data'), join(dir, 'port')]
  const password = 'of-the-proxy'
  mkdirSync(join(conf, 'users.d'), { recursive: true })
  mkdirSync(data)
  writeFileSync(join(conf, 'config.xml'), ownConfig(dir, systemLogs))
  writeFileSync(join(conf, 'users.xml'), OWN_USERS)
  writeFileSync(join(conf, 'users.d/default-user.xml'), entrypointUser(password))
  if (isLaidOver) cpSync(LAID_OVER, conf, { recursive: true })

  const child = spawn(process.execPath, [join(ROOT, 'src/store/embedded/sidecar.mjs'), conf, data, portFile], {
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { TZ: 'UTC', GRAFANA_PASSWORD: 'grafana' },
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-10_000)))
  const ended = once(child, 'close')
  const close = async (): Promise<void> => {
    child.stdin.end()
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(timer)
    rmSync(dir, { recursive: true, force: true })
  }
  const port = await untilWritten(portFile, () => child.exitCode !== null)
  if (port === undefined) {
    await close()
    throw new Error(`the engine did not start: ${said}`)
  }
  const url = `http://127.0.0.1:${port}`
  const as: ComposeClickHouse['as'] = (user) =>
    queryAs(url, { username: user, password: user === 'understudy' ? password : user, database: 'system' })
  return { url, password, as, close }
}

/** The port in `file` once it is there; undefined when the engine ends before, or is not ready in time. */
async function untilWritten(file: string, isGone: () => boolean): Promise<number | undefined> {
  const deadline = performance.now() + ENGINE_READY_MS
  while (!isGone() && performance.now() < deadline) {
    const port = Number(readOrEmpty(file))
    if (port > 0) return port
    await sleep(20)
  }
  return undefined
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // not written yet
  }
}
