import { scaleDecimal } from './exact-decimal.ts'

/** Powers of 1000 and, with an i, of 1024, largest first within each. */
const UNITS_BYTES = {
  TB: 1_000_000_000_000n,
  GB: 1_000_000_000n,
  MB: 1_000_000n,
  KB: 1_000n,
  TiB: 1_099_511_627_776n,
  GiB: 1_073_741_824n,
  MiB: 1_048_576n,
  KiB: 1_024n,
  B: 1n,
} as const

/** Bytes of `64MB`, `1.5GB` or `512KiB`; undefined for anything else and where the bytes would not be whole. */
export function parseSizeBytes(text: string): number | undefined {
  const match = /^([\d.]+)([KMGT]i?B|B)$/.exec(text)
  const unit = Object.entries(UNITS_BYTES).find(([name]) => name === match?.[2])
  if (match?.[1] === undefined || unit === undefined) return undefined
  const bytes = scaleDecimal(match[1], unit[1])
  return bytes !== undefined && bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : undefined
}

/** An exact text of a whole number of bytes in the largest unit that divides it: 64 000 000 → `64MB`. */
export function formatSizeBytes(bytes: number): string {
  if (bytes === 0) return '0B'
  for (const [name, unitBytes] of Object.entries(UNITS_BYTES)) {
    if (BigInt(bytes) % unitBytes === 0n) return `${BigInt(bytes) / unitBytes}${name}`
  }
  return `${bytes}B`
}
