import { hash } from 'node:crypto'
import type { Unit } from './units.ts'

/** Which side of a rollout a unit is on. `none`: on stable, and left out of the comparison. */
export type AssignedArm = 'candidate' | 'control' | 'none'

/** Shares of the units, in [0, 1]; `control` never exceeds what `candidate` leaves. */
export type ArmShares = { readonly candidate: number; readonly control: number }

/** Units kept on stable while a candidate bakes at 100 %, so that there is still something to compare with. */
const BAKING_CONTROL = 0.05

/**
 * Where `unit` falls under `salt`: uint32be(sha256(`salt:unit`)) / 2³², uniform in [0, 1). The same in SQL:
 * `reinterpretAsUInt32(reverse(substring(SHA256(concat(salt, ':', unit)), 1, 4))) / 4294967296`.
 */
export function unitShare(salt: string, unit: string): Unit {
  // As `binary` every character is a byte: a third less time than by way of hexadecimal, once for each request and shadow.
  const bytes = hash('sha256', `${salt}:${unit}`, 'binary')
  const [a, b, c, d] = [bytes.charCodeAt(0), bytes.charCodeAt(1), bytes.charCodeAt(2), bytes.charCodeAt(3)]
  return (((a * 256 + b) * 256 + c) * 256 + d) / 2 ** 32
}

/**
 * What a rollout at `percent` (0–100) shows to whom: a control as large as the candidate while there is room for it,
 * else all the rest. `isBaking` keeps 5 % on stable at 100 %.
 */
export function armShares(percent: number, isBaking: boolean): ArmShares {
  const candidate = Math.min(percent / 100, isBaking ? 1 - BAKING_CONTROL : 1)
  return { candidate, control: Math.min(candidate, 1 - candidate) }
}

/**
 * The arm of a unit whose share is `share`. The candidate takes its units from the bottom and the control from the
 * top, so a higher percentage only adds candidate units, and whoever is control at 5 % is so until the candidate
 * needs more than 95 %.
 */
export function armOf(share: Unit, shares: ArmShares): AssignedArm {
  if (share < shares.candidate) return 'candidate'
  return share >= 1 - shares.control ? 'control' : 'none'
}

/**
 * The shares that are compared with each other: of the larger arm only as much as of the smaller, so that the i-th of
 * either come at about the same time. Otherwise a swing of the day would pass for a difference between the models.
 */
export function comparedShares({ candidate, control }: ArmShares): ArmShares {
  const size = Math.min(candidate, control)
  return { candidate: size, control: size }
}

/** One of several things a unit may be given; weights need not sum to 1, and weight 0 is never chosen. */
type WeightedChoice<T> = { readonly key: string; readonly weight: number; readonly value: T }

/**
 * The choice that falls to `unit`: each with probability weight / sum of weights, and a change of one weight moves only
 * units to or from that choice. Undefined when no weight is above 0. Weighted rendezvous hashing: the least −ln(x)/w,
 * where x = (uint48be(sha256(`salt|key|unit`)) + 0.5) / 2⁴⁸; of equals the first.
 */
export function rendezvous<T>(salt: string, unit: string, choices: readonly WeightedChoice<T>[]): T | undefined {
  let chosen: WeightedChoice<T> | undefined
  let least = Number.POSITIVE_INFINITY
  for (const choice of choices) {
    if (!(choice.weight > 0)) continue
    const draw = Number.parseInt(hash('sha256', `${salt}|${choice.key}|${unit}`, 'hex').slice(0, 12), 16)
    const distance = -Math.log((draw + 0.5) / 2 ** 48) / choice.weight
    if (distance < least || chosen === undefined) {
      chosen = choice
      least = distance
    }
  }
  return chosen?.value
}
