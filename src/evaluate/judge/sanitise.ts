import { clipped } from '../../dialects/bounded-text.ts'

/**
 * Characters that are not seen but read: controls (tabs and newlines apart), zero-width and direction marks, soft hyphens,
 * variation selectors, fillers and tag characters. Instructions are hidden in them.
 */
const UNSEEN = /(?![\t\n])\p{Cc}|\p{Cf}|\p{Default_Ignorable_Code_Point}|\p{Zl}|\p{Zp}/gu

/** Tokens with which chat templates separate turns: `<|im_start|>`, `[INST]`, `<<SYS>>`, `<s>`. */
const TEMPLATE_TOKENS: readonly (readonly [RegExp, string])[] = [
  [/<\|([\w/-]{1,40})\|>/g, '(|$1|)'],
  [/\[(\/?)INST\]/gi, '($1INST)'],
  [/<<(\/?)SYS>>/gi, '(($1SYS))'],
  [/<(\/?)s>/gi, '($1s)'],
  [/<(\/?)(start|end)_of_turn>/gi, '($1$2_of_turn)'],
]

/** Of a longer text the middle, of which nothing is judged, is not looked at. */
const MOST_REDACTED_CHARS = 200_000

/** Takes out of a text what must not be judged. */
export type Redact = (text: string) => string

function unredacted(text: string): string {
  return text
}

/** A line that opens a turn in plain transcripts. */
const ROLE_LINE = /^([^\S\n]*)(human|user|assistant|system|developer|tool)([^\S\n]*:)/gim

/**
 * `text` as a judge may read it: without what `redact` takes out, nothing unseen, no token of a chat template, no line that opens a turn; of more than
 * `maxChars` characters the beginning and the end, with what is left out counted between them.
 */
export function sanitised(text: string, maxChars: number, redact: Redact = unredacted): string {
  // Redacted before it is cut, so that no cut takes a secret apart.
  const redacted = redact(middleOut(text, MOST_REDACTED_CHARS))
  // Twice the room, since characters go: a megabyte of them is not looked at.
  const bounded = middleOut(redacted, 2 * maxChars)
  let seen = bounded.toWellFormed().replaceAll('\r\n', '\n').replace(UNSEEN, '')
  for (const [token, replacement] of TEMPLATE_TOKENS) seen = seen.replace(token, replacement)
  return middleOut(seen.replace(ROLE_LINE, '$1| $2$3'), maxChars)
}

function middleOut(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text
  const half = Math.floor(maxChars / 2)
  const end = text.slice(-half)
  const first = end.charCodeAt(0)
  const isSplit = first >= 0xdc00 && first <= 0xdfff
  // On one line: what follows the gap must not come to open a line, and with it a turn.
  return `${clipped(text, half)} [… ${text.length - 2 * half} characters left out …] ${isSplit ? end.slice(1) : end}`
}
