/** `6m0s`, `1h2m3.5s`, `20ms`, `1.5s`, as Go writes durations; a day before them, and bare seconds, too. */
const DURATION = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d*)?)s)?(?:(\d+(?:\.\d*)?)ms)?$/
const SECONDS = /^\d+(?:\.\d+)?$/
const UNITS_MS = [86_400_000, 3_600_000, 60_000, 1_000, 1] as const

/** Milliseconds; undefined where `text` is no duration. */
export function durationMs(text: string): number | undefined {
  if (text === '' || text.length > 40) return undefined
  if (SECONDS.test(text)) return Number(text) * 1_000
  const parts = DURATION.exec(text)?.slice(1)
  return parts?.reduce((sum, part, i) => sum + (part === undefined ? 0 : Number(part) * (UNITS_MS[i] ?? 0)), 0)
}
