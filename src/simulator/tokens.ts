/** Tokens of a text as the simulator counts them: one for every four bytes, rounded up. */
export function countTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4)
}

/** The text in pieces of at most six characters with the blanks before them; joined they are the text again. */
export function splitTokens(text: string): readonly string[] {
  return text.match(/\s*\S{1,6}|\s+$/gu) ?? []
}
