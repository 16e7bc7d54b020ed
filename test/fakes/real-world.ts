import { randomBytes } from 'node:crypto'
import type { World } from '../../src/domain/ports.ts'

let lastMs = 0
let sequence = 0

/** The machine's clocks and random UUIDv7s that grow even within a millisecond, for tests about files and processes. */
export const realWorld: World = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  newId: () => {
    const now = Date.now()
    sequence = now === lastMs ? sequence + 1 : 0
    lastMs = now
    const bytes = randomBytes(16)
    bytes.writeUIntBE(now, 0, 6)
    bytes.writeUInt16BE(0x7000 | (sequence & 0x0fff), 6)
    bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8)
    const hex = bytes.toString('hex')
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  },
}
