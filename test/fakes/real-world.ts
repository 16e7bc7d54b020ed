import { randomBytes } from 'node:crypto'
import type { World } from '../../src/domain/ports.ts'

/** The machine's clocks and random UUIDv7s, for tests about sockets, files and processes. */
export const realWorld: World = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  newId: () => {
    const bytes = randomBytes(16)
    bytes.writeUIntBE(Date.now(), 0, 6)
    bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6)
    bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8)
    const hex = bytes.toString('hex')
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  },
}
