/** Longest duration Node's timers hold (2³¹ − 1 ms, 24.8 days); a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1

const UNITS_MS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const

/** Milliseconds of `500ms`, `30s`, `10m`, `2h` or `7d`; undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text)
  if (match === null) return undefined
  const unit = Object.entries(UNITS_MS).find(([name]) => name === match[2])
  const milliseconds = Number(match[1]) * (unit?.[1] ?? Number.NaN)
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined
}

/** The shortest exact text of a whole number of milliseconds: 90 000 → `90s`, 600 000 → `10m`. */
export function formatDurationMs(milliseconds: number): string {
  if (milliseconds === 0) return '0ms'
  for (const [name, unitMs] of Object.entries(UNITS_MS)) {
    if (milliseconds % unitMs === 0) return `${milliseconds / unitMs}${name}`
  }
  return `${milliseconds}ms`
}
