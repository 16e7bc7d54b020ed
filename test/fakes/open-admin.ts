import { onTestFinished } from 'vitest'
import type { AdminPorts } from '../../src/admin/ports.ts'
import { startAdmin } from '../../src/admin/server.ts'
import type { Admin } from '../../src/admin/server.ts'
import type { Log } from '../../src/domain/ports.ts'
import { adminPorts } from './admin-ports.ts'
import { silentLog } from './silent-log.ts'

/** An admin port without tokens, open until the test is over. */
export async function openAdmin(
  parts: Partial<AdminPorts> = {},
  log: Log = silentLog,
  handlerTimeoutMs = 5_000,
): Promise<Admin> {
  const admin = await startAdmin({
    listen: { host: '127.0.0.1', port: 0 },
    tokens: { token: undefined, readToken: undefined },
    ports: adminPorts(parts),
    log,
    handlerTimeoutMs,
  })
  onTestFinished(() => admin.close())
  return admin
}
