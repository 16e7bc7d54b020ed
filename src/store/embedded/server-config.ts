import { createHash } from 'node:crypto'

/** What the embedded server's two config files are made from. */
export type ServerConfig = {
  /** Absolute: holds clickhouse.log, data/, conf/, backups/. */
  readonly dir: string
  /** 0 = any free port. */
  readonly port: number
  readonly maxMemoryBytes: number
  /** Threads of one query. */
  readonly maxThreads: number
  readonly database: string
  /** Of `app`, who owns everything. */
  readonly appPassword: string
  /** Of `ro`, who may only read `database`: dashboards, the admin API. */
  readonly roPassword: string
}

/**
 * Server settings: loopback only, sized for a laptop that has other things to do. Holds the password of `ro`, so the
 * file must be readable by its owner only.
 */
export function serverConfigXml(config: ServerConfig): string {
  const dir = xml(config.dir)
  return `<clickhouse>
  <users_config>users.xml</users_config>
  <log-level>warning</log-level>
  <logger><log>${dir}/clickhouse.log</log><size>20M</size><count>2</count></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>${config.port}</http_port>
  <keep_alive_timeout>30</keep_alive_timeout>
  <max_server_memory_usage>${config.maxMemoryBytes}</max_server_memory_usage>
  <max_concurrent_queries>64</max_concurrent_queries>
  <mark_cache_size>134217728</mark_cache_size>
  <background_pool_size>2</background_pool_size>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <backups><allowed_path>${dir}/backups/</allowed_path></backups>
  <http_handlers>${httpRules(config)}</http_handlers>
</clickhouse>
`
}

/**
 * Who may ask over HTTP; what fits no rule is answered 404. `default` is kept out: it has no password, and any user,
 * whatever its grants, may have the engine read any file of this account (`SELECT file('…')`). Everyone on this machine
 * could, and with `?add_http_cors_header=1` every page in its browser.
 *
 * Basic credentials must be right already here, word for word, because a `?user=` in the URL would win over them. The
 * engine itself refuses one beside `X-ClickHouse-User`. The password of `app` must not stand here: `ro` can have the
 * engine read this very file.
 */
function httpRules({ roPassword }: ServerConfig): string {
  const basic = `Basic ${Buffer.from(`ro:${roPassword}`).toString('base64')}`
  const asks = '<handler><type>dynamic_query_handler</type><query_param_name>query</query_param_name></handler>'
  return [
    '<url>/ping</url><methods>GET</methods><handler><type>ping</type></handler>',
    `<headers><authorization>${basic}</authorization></headers>${asks}`,
    `<headers><X-ClickHouse-User>regex:(app|ro)</X-ClickHouse-User></headers>${asks}`,
  ]
    .map((rule) => `<rule>${rule}</rule>`)
    .join('')
}

/**
 * Three users. `default` must stay without a password, because the engine's own session uses it; so it may do no
 * more than start listening, and HTTP does not know it (see `httpRules`). Passwords appear only as hashes.
 */
export function usersConfigXml(config: ServerConfig): string {
  const database = `\`${config.database}\``
  return `<clickhouse>
  <profiles>
    <default><max_threads>${config.maxThreads}</max_threads></default>
    <ro>
      <readonly>2</readonly>
      <allow_ddl>0</allow_ddl>
      <max_threads>${config.maxThreads}</max_threads>
      <max_execution_time>15</max_execution_time>
      <max_memory_usage>400000000</max_memory_usage>
      <max_result_rows>200000</max_result_rows>
      <cancel_http_readonly_queries_on_client_close>1</cancel_http_readonly_queries_on_client_close>
      <constraints>
        <max_memory_usage><min>1</min><max>400000000</max></max_memory_usage>
        <max_execution_time><min>0.001</min><max>60</max></max_execution_time>
        <max_result_rows><min>1</min><max>200000</max></max_result_rows>
        <max_threads><min>1</min><max>${config.maxThreads}</max></max_threads>
      </constraints>
    </ro>
  </profiles>
  <users>
    <default>
      <no_password/>
      ${LOOPBACK}
      <grants>
        <query>GRANT SYSTEM LISTEN, CREATE TEMPORARY TABLE ON *.*</query>
        <query>GRANT READ ON FILE</query>
      </grants>
    </default>
    <app>
      <password_sha256_hex>${sha256Hex(config.appPassword)}</password_sha256_hex>
      ${LOOPBACK}
      <grants><query>GRANT ALL ON *.*</query></grants>
    </app>
    <ro>
      <password_sha256_hex>${sha256Hex(config.roPassword)}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks><profile>ro</profile><quota>default</quota>
      <grants><query>GRANT SELECT, SHOW ON ${xml(database)}.*</query></grants>
    </ro>
  </users>
  <quotas><default/></quotas>
</clickhouse>
`
}

const LOOPBACK = '<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>'

function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
