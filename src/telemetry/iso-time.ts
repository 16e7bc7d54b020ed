import type { EpochMs } from '../domain/units.ts'

/**
 * A formatter of times, equal to `new Date(at).toISOString()`. It keeps the text of the second it was last asked for:
 * a busy log asks for the same one thousands of times, and working out a calendar date costs more than half as much
 * as the rest of a line (0.35 µs against 0.01).
 */
export function isoTime(): (at: EpochMs) => string {
  let second = Number.NaN
  let text = ''
  return (at) => {
    const whole = Math.trunc(at)
    const asked = Math.floor(whole / 1_000)
    if (asked !== second) {
      text = new Date(whole).toISOString().slice(0, -'000Z'.length)
      second = asked
    }
    return `${text}${String(whole - asked * 1_000).padStart(3, '0')}Z`
  }
}
