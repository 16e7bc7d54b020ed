/** A UUIDv7 of `at`, the `nth` of its kind. */
export function anId(at: number, nth: number): string {
  const time = Math.floor(at).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${nth.toString(16).padStart(12, '0')}`
}
