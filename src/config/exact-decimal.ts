/**
 * `text` (a plain decimal such as `2.50`) times `unit`, exactly; undefined where `text` is no such decimal or the
 * product is not whole. Never passes through floating point: 0.1 + 0.2 must not reach a bill.
 */
export function scaleDecimal(text: string, unit: bigint): bigint | undefined {
  const match = /^(\d{1,18})(?:\.(\d{1,18}))?$/.exec(text)
  if (match === null) return undefined
  const fraction = match[2] ?? ''
  const scaled = BigInt(`${match[1]}${fraction}`) * unit
  const divisor = 10n ** BigInt(fraction.length)
  return scaled % divisor === 0n ? scaled / divisor : undefined
}
