import {
  brotliDecompressSync,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzipSync,
  inflateSync,
  zstdDecompressSync,
} from 'node:zlib'
import type { Transform } from 'node:stream'

/** A decoder for one `content-encoding`, undefined where there is nothing to decode or no decoder for it. */
export function decoderFor(encoding: string): Transform | undefined {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'deflate':
      return createInflate()
    case 'br':
      return createBrotliDecompress()
    case 'zstd':
      return createZstdDecompress()
    default:
      return undefined
  }
}

const DECODABLE: ReadonlySet<string> = new Set(['gzip', 'x-gzip', 'deflate', 'br', 'zstd'])

/** Whether bytes of this encoding can be read: plain ones always. */
export function isReadable(encoding: string): boolean {
  return encoding === '' || DECODABLE.has(encoding)
}

/** `content-encoding` in lower case; '' when absent or `identity`. */
export function encodingOf(header: string | undefined): string {
  const encoding = header?.trim().toLowerCase() ?? ''
  return encoding === 'identity' ? '' : encoding
}

/** What became of a bounded decoding. */
export type Decoded =
  | { readonly kind: 'decoded'; readonly bytes: Buffer }
  | { readonly kind: 'failed'; readonly why: 'encoding' | 'too_large_to_read' }

/** Decodes `bytes` off the event loop. At most `maxBytes` come out: a compression bomb stops there. */
export function decodeBounded(bytes: Buffer, encoding: string, maxBytes: number): Promise<Decoded> {
  const decoder = decoderFor(encoding)
  if (decoder === undefined) return Promise.resolve({ kind: 'failed', why: 'encoding' })
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let total = 0
    decoder.on('data', (chunk: Buffer) => {
      total += chunk.length
      if (total > maxBytes) {
        decoder.destroy()
        resolve({ kind: 'failed', why: 'too_large_to_read' })
      } else chunks.push(chunk)
    })
    decoder.on('end', () => resolve({ kind: 'decoded', bytes: Buffer.concat(chunks) }))
    decoder.on('error', () => resolve({ kind: 'failed', why: 'encoding' }))
    decoder.end(bytes)
  })
}

/** As `decodeBounded`, at once: for what is known to be small. Bytes that cannot be decoded are none. */
export function decodedNow(bytes: Buffer, encoding: string, maxBytes: number): Buffer {
  if (encoding === '') return bytes
  try {
    return decodeSync(bytes, encoding, { maxOutputLength: maxBytes })
  } catch {
    return Buffer.alloc(0)
  }
}

function decodeSync(bytes: Buffer, encoding: string, options: { readonly maxOutputLength: number }): Buffer {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return gunzipSync(bytes, options)
    case 'deflate':
      return inflateSync(bytes, options)
    case 'br':
      return brotliDecompressSync(bytes, options)
    case 'zstd':
      return zstdDecompressSync(bytes, options)
    default:
      return Buffer.alloc(0)
  }
}
