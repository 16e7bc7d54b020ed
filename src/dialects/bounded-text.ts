/** Characters of text that one reading of a request or an answer keeps in all. */
export const MAX_CONTENT_CHARS = 1_000_000

/** Takes pieces of text until a number of characters is used up, over all that asks it. */
export type TextBudget = {
  /** The piece, or as much of its beginning as there is room for; '' for what is no text. */
  readonly take: (piece: unknown) => string
  /** Whether anything was left out. */
  readonly isExceeded: () => boolean
  /** Tells that something was left out elsewhere: too many calls, a stream given up. */
  readonly exceed: () => void
}

export function createTextBudget(maxChars = MAX_CONTENT_CHARS): TextBudget {
  let left = maxChars
  let isExceeded = false
  return {
    take: (piece) => {
      if (typeof piece !== 'string') return ''
      if (piece.length <= left) {
        left -= piece.length
        return piece
      }
      isExceeded = true
      const kept = clipped(piece, left)
      left = 0
      return kept
    },
    isExceeded: () => isExceeded,
    exceed: () => {
      isExceeded = true
    },
  }
}

/** The first `maxChars` characters of `text`, one fewer where the cut would split a surrogate pair. */
export function clipped(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text
  const last = text.charCodeAt(maxChars - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? maxChars - 1 : maxChars)
}
