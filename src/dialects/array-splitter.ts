/** Characters of one element that are kept while waiting for its end; beyond it, splitting stops for good. */
const MAX_ELEMENT_CHARS = 16 * 1024 * 1024

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Splits the text of a JSON array into its elements while it comes. */
export type ArraySplitter = {
  readonly feed: (text: string) => void
  /** Whether the array's closing bracket has come. */
  readonly isClosed: () => boolean
}

/**
 * Calls `onElement` with the text of each object of the outermost array as soon as it is whole. Text before the array
 * and scalars in it are passed over. An element longer than the limit is given up, not buffered, and `onGivenUp`
 * called, once.
 */
export function createArraySplitter(
  onElement: (json: string) => void,
  onGivenUp = (): void => undefined,
): ArraySplitter {
  /** Brackets and braces that are open: 1 is the array itself, 2 an element. */
  let depth = 0
  let isInString = false
  let isEscaped = false
  let isClosed = false
  let isGivenUp = false
  let held: string[] = []
  let heldChars = 0

  /** Offset after the string that `at` is in, or the text's length when it goes on in the next piece. */
  const skipString = (text: string, from: number): number => {
    for (let at = from; at < text.length; at++) {
      const char = text.charCodeAt(at)
      if (isEscaped) isEscaped = false
      else if (char === BACKSLASH) isEscaped = true
      else if (char === QUOTE) {
        isInString = false
        return at + 1
      }
    }
    return text.length
  }

  const hold = (text: string): void => {
    held.push(text)
    heldChars += text.length
    if (heldChars <= MAX_ELEMENT_CHARS) return
    held = []
    isGivenUp = true
    onGivenUp()
  }

  return {
    feed: (text) => {
      let start = 0
      let at = 0
      while (at < text.length && !isGivenUp && !isClosed) {
        if (isInString) {
          at = skipString(text, at)
          continue
        }
        const char = text[at]
        at++
        if (char === '"') isInString = depth > 0
        else if (char === '{' || char === '[') {
          depth++
          if (depth === 2) start = at - 1
        } else if (char === '}' || char === ']') {
          depth--
          if (depth === 1) {
            hold(text.slice(start, at))
            if (!isGivenUp) onElement(held.join(''))
            held = []
            heldChars = 0
          } else if (depth <= 0) isClosed = true
        }
      }
      if (depth >= 2 && !isGivenUp && !isClosed) hold(text.slice(start))
    },
    isClosed: () => isClosed,
  }
}
