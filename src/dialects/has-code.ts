/** Characters looked at. */
const MAX_CHARS = 1024
/** Share of characters that prose seldom uses from which text is taken for code; prose stays below 0.01. */
const CODE_DENSITY = 0.04
const MIN_MARKS = 8

/** Whether a text holds code: a fence, or as many brackets, semicolons and operators as code has. */
export function hasCode(text: string): boolean {
  if (text.includes('```')) return true
  const end = Math.min(text.length, MAX_CHARS)
  let marks = 0
  for (let at = 0; at < end; at++) if (isCodeMark(text.charCodeAt(at))) marks++
  return marks >= MIN_MARKS && marks >= end * CODE_DENSITY
}

/** One of `{ } ( ) [ ] ; = < > _ | &`. */
function isCodeMark(char: number): boolean {
  switch (char) {
    case 0x7b:
    case 0x7d:
    case 0x28:
    case 0x29:
    case 0x5b:
    case 0x5d:
    case 0x3b:
    case 0x3d:
    case 0x3c:
    case 0x3e:
    case 0x5f:
    case 0x7c:
    case 0x26:
      return true
    default:
      return false
  }
}
