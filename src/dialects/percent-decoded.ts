/** `segment` of a path decoded, or as it is where it is not percent-encoding after all. */
export function percentDecoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
