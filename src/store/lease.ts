import { setTimeout as delay } from 'node:timers/promises'
import { identifier, type StoreClient } from './client.ts'
import { parseAs } from './columns.ts'
import { namedRows } from './named-rows.ts'

/** A right that one instance holds at a time, for `leaseMs` unless renewed. */
export type Lease = {
  readonly name: string
  readonly holder: string
  readonly revision: bigint
}

/** The state of a lease, by the server's clock. */
type LeaseState = { readonly revision: bigint; readonly holder: string; readonly remainingMs: number }

/**
 * Takes the lease `name` for `holder` when it is free, expired or already held by `holder`; undefined when another
 * holds it. Every revision is an insert with the token `<name>/<revision>`, so that of several takers the server
 * keeps one row; reading it back says whose. Rejects when the server cannot be asked.
 */
export async function takeLease(
  client: StoreClient,
  name: string,
  holder: string,
  leaseMs: number,
  signal: AbortSignal,
): Promise<Lease | undefined> {
  const before = await latest(client, name, signal)
  if (before.remainingMs > 0 && before.holder !== holder) return undefined
  return propose(client, { name, holder, revision: before.revision + 1n }, leaseMs, signal)
}

/** Takes the lease, asking again until it is free. Rejects when `signal` aborts. */
export async function waitForLease(
  client: StoreClient,
  name: string,
  holder: string,
  leaseMs: number,
  signal: AbortSignal,
): Promise<Lease> {
  for (;;) {
    const lease = await takeLease(client, name, holder, leaseMs, signal)
    if (lease !== undefined) return lease
    await delay(100, undefined, { signal })
  }
}

/** Whether anybody holds the lease just now. Rejects when the server cannot be asked. */
export async function isTaken(client: StoreClient, name: string, signal: AbortSignal): Promise<boolean> {
  const { holder, remainingMs } = await latest(client, name, signal)
  return holder !== '' && remainingMs > 0
}

/** Holds on for another `leaseMs`; undefined when another has taken it meanwhile. */
export async function renewLease(
  client: StoreClient,
  lease: Lease,
  leaseMs: number,
  signal: AbortSignal,
): Promise<Lease | undefined> {
  return propose(client, { ...lease, revision: lease.revision + 1n }, leaseMs, signal)
}

/** Gives the lease back before it expires. When another has taken it meanwhile, nothing happens. */
export async function giveBack(client: StoreClient, lease: Lease, signal: AbortSignal): Promise<void> {
  await insertRevision(client, { ...lease, holder: '', revision: lease.revision + 1n }, 0, signal)
}

async function propose(
  client: StoreClient,
  wanted: Lease,
  leaseMs: number,
  signal: AbortSignal,
): Promise<Lease | undefined> {
  await insertRevision(client, wanted, leaseMs, signal)
  const after = await latest(client, wanted.name, signal)
  return after.revision === wanted.revision && after.holder === wanted.holder ? wanted : undefined
}

async function insertRevision(client: StoreClient, lease: Lease, leaseMs: number, signal: AbortSignal): Promise<void> {
  const rows = namedRows(
    ['name', 'revision', 'holder', 'lease_ms'],
    [lease.name, String(lease.revision), lease.holder, leaseMs],
  )
  await client.insertRows('leases', rows, `${lease.name}/${lease.revision}`, signal)
}

async function latest(client: StoreClient, name: string, signal: AbortSignal): Promise<LeaseState> {
  const read = await client.select(
    {
      name: 'lease',
      sql: `SELECT toString(revision) AS revision_text, holder,
              toInt32(lease_ms - least(lease_ms, dateDiff('millisecond', taken_at, now64(3)))) AS remaining_ms
            FROM ${identifier(client.address.database)}.leases WHERE name = {name:String}
            ORDER BY revision DESC LIMIT 1`,
      params: { name },
      parse: parseAs({ revision_text: 'text', holder: 'text', remaining_ms: 'number' }),
    },
    signal,
  )
  if (read.kind === 'unavailable') throw new Error(`The lease ${name} could not be read: ${read.detail}`)
  const [row] = read.value
  if (row === undefined) return { revision: 0n, holder: '', remainingMs: 0 }
  return { revision: BigInt(row.revision_text), holder: row.holder, remainingMs: row.remaining_ms }
}
