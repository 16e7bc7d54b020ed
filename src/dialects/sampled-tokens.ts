import type { EstimateTokens } from './prompt-facts.ts'
import { sampledSpans, spannedBytes, textAt } from './text-spans.ts'

/** BPE is quadratic on unbroken runs, 2 s for 100 KB of one letter: no run is longer than a window. */
const WINDOWS = 16
const WINDOW_BYTES = 128

/** What looks like a special token is a user's text like any other. */
const AS_TEXT = { disallowedSpecial: new Set<string>() }

/**
 * Loads an estimator that counts with o200k_base in 16 windows of 128 bytes. Measured: about 50 µs per estimate, ten
 * times what `roughTokens` costs, 150 ms and 70 MB to load. For projections of cost, not for every request.
 */
export async function loadSampledTokens(): Promise<EstimateTokens> {
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base')
  return (bytes, spans) => {
    const sample = sampledSpans(spans, WINDOWS, WINDOW_BYTES)
    let tokens = 0
    for (let i = 0; i + 1 < sample.length; i += 2) {
      const start = sample[i] ?? 0
      const end = sample[i + 1] ?? 0
      for (let at = start; at < end; at += WINDOW_BYTES) {
        tokens += countTokens(textAt(bytes, at, Math.min(at + WINDOW_BYTES, end)), AS_TEXT)
      }
    }
    return sample === spans ? tokens : (tokens * spannedBytes(spans)) / Math.max(1, spannedBytes(sample))
  }
}
