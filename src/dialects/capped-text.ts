import { cutReminders } from './reminder-blocks.ts'
import { spannedBytes, textAt, type TextSpans } from './text-spans.ts'

/** Bytes of a turn that are looked at: a question stands at the beginning of what is pasted, or at its end. */
export const MAX_TEXT_BYTES = 4096

/** The spans as they are, or the first and the last 2 KB of them. */
export function cappedSpans(spans: TextSpans): TextSpans {
  return spannedBytes(spans) <= MAX_TEXT_BYTES ? spans : [...head(spans), ...tail(spans)]
}

/** The text at the spans, capped, pieces joined by newlines, and without reminder blocks. */
export function cappedText(bytes: Buffer, spans: TextSpans): string {
  const capped = cappedSpans(spans)
  let text = ''
  for (let i = 0; i + 1 < capped.length; i += 2) {
    text += (i === 0 ? '' : '\n') + textAt(bytes, capped[i] ?? 0, capped[i + 1] ?? 0)
  }
  return cutReminders(text)
}

function head(spans: TextSpans): TextSpans {
  const kept: number[] = []
  let left = MAX_TEXT_BYTES / 2
  for (let i = 0; left > 0 && i + 1 < spans.length; i += 2) {
    const start = spans[i] ?? 0
    const end = Math.min(spans[i + 1] ?? 0, start + left)
    kept.push(start, end)
    left -= end - start
  }
  return kept
}

function tail(spans: TextSpans): TextSpans {
  const kept: number[] = []
  let left = MAX_TEXT_BYTES / 2
  for (let i = spans.length - 2; left > 0 && i >= 0; i -= 2) {
    const end = spans[i + 1] ?? 0
    const start = Math.max(spans[i] ?? 0, end - left)
    kept.unshift(start, end)
    left -= end - start
  }
  return kept
}
