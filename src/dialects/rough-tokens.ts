import { sampledSpans, spannedBytes, type TextSpans } from './text-spans.ts'

/** Text looked at: enough that two samples of the same text differ by a tenth at most. */
const WINDOWS = 8
const WINDOW_BYTES = 64

/** About how many tokens the text at these spans is, without a tokenizer. */
export function roughTokens(bytes: Buffer, spans: TextSpans): number {
  const sample = sampledSpans(spans, WINDOWS, WINDOW_BYTES)
  let tokens = 0
  for (let i = 0; i + 1 < sample.length; i += 2) tokens += weighed(bytes, sample[i] ?? 0, sample[i + 1] ?? 0)
  return sample === spans ? tokens : (tokens * spannedBytes(spans)) / Math.max(1, spannedBytes(sample))
}

/**
 * Tokens per character by kind, fitted by least squares to o200k_base over prose in 12 languages, code and JSON
 * (test/unit/rough-tokens.test.ts holds the texts and the error). A word costs its beginning and a little per letter.
 */
const WORD = 0.62
const LETTER = 0.1
const DIGIT = 0.4
const MARK = 0.6
const BREAK = 0.5
const ACCENTED = 0.5
const ALPHABETIC = 0.35
const INDIC = 0.4
const SYMBOL = 0.9
const HAN = 0.75
const HANGUL = 0.6
const EMOJI = 2

const BACKSLASH = 0x5c

function weighed(bytes: Buffer, start: number, end: number): number {
  let tokens = 0
  let isInWord = false
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    if ((byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a)) {
      tokens += isInWord ? LETTER : WORD
      isInWord = true
      continue
    }
    if (byte >= 0x80) {
      if (byte < 0xc0) continue
      tokens += byte < 0xe0 ? codePointWeight((byte & 0x1f) << 6) : leadWeight(byte)
      // An accented letter is in a word, and one of a script without spaces ends it.
      if (byte >= 0xcd) isInWord = false
      continue
    }
    isInWord = false
    if (byte === 0x20) continue
    if (byte >= 0x30 && byte <= 0x39) tokens += DIGIT
    else if (byte !== BACKSLASH) tokens += MARK
    else if (bytes[at + 1] === 0x75) {
      tokens += codePointWeight(Number.parseInt(bytes.toString('latin1', at + 2, at + 6), 16))
      at += 5
    } else {
      tokens += BREAK
      at++
    }
  }
  return tokens
}

function codePointWeight(codePoint: number): number {
  if (codePoint < 0x300) return codePoint < 0x80 ? MARK : ACCENTED
  if (codePoint < 0x800) return ALPHABETIC
  if (codePoint >= 0xd800 && codePoint < 0xe000) return EMOJI / 2
  return leadWeight(0xe0 | (codePoint >> 12))
}

/** By the first byte of a character of three or four. */
function leadWeight(lead: number): number {
  if (lead === 0xe0) return INDIC
  if (lead >= 0xe3 && lead <= 0xe9) return HAN
  if (lead >= 0xea && lead <= 0xed) return HANGUL
  return lead >= 0xf0 ? EMOJI : SYMBOL
}
