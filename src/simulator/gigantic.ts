/** Stands in a rendered answer where the gigantic text belongs. A private-use character: no other text has it. */
export const GIGANTIC_MARK = '\uE000'

const LINE = 'All work and no play makes a gigantic answer, line after line. '
const PIECE = LINE.repeat(Math.ceil(1024 / LINE.length)).slice(0, 1024)

/** `bytes` bytes of ASCII text in pieces of a kilobyte, made while they are read; can be read again. */
export function giganticPieces(bytes: number): Iterable<string> {
  return {
    *[Symbol.iterator]() {
      for (let left = bytes; left > 0; left -= PIECE.length) yield left >= PIECE.length ? PIECE : PIECE.slice(0, left)
    },
  }
}

/** The text with the mark replaced by the gigantic one, piece by piece: it never exists as a whole. */
export function* expandGigantic(text: string, bytes: number): Generator<string> {
  for (const [index, part] of text.split(GIGANTIC_MARK).entries()) {
    if (index > 0) yield* giganticPieces(bytes)
    yield part
  }
}
