import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gunzipSync,
  gzipSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
  type BrotliCompress,
  type Gzip,
  type ZstdCompress,
} from 'node:zlib'
import type { Encoding } from './faults.ts'

/** Largest decoded request body: a compressed bomb is refused, not unpacked. */
const MAX_DECODED_BYTES = 64 * 1024 * 1024

/** The request body as the client meant it; undefined where it is not what its `content-encoding` says. */
export function decodeBody(bytes: Buffer, encoding: string): Buffer | undefined {
  const limit = { maxOutputLength: MAX_DECODED_BYTES }
  try {
    switch (encoding) {
      case 'identity':
        return bytes
      case 'gzip':
        return gunzipSync(bytes, limit)
      case 'deflate':
        return inflateSync(bytes, limit)
      case 'br':
        return brotliDecompressSync(bytes, limit)
      case 'zstd':
        return zstdDecompressSync(bytes, limit)
      default:
        return undefined
    }
  } catch {
    return undefined
  }
}

/** `wanted`, if the `accept-encoding` header names it. */
export function acceptedEncoding(wanted: Encoding | undefined, acceptEncoding: string): Encoding | undefined {
  const accepted = acceptEncoding
    .toLowerCase()
    .split(',')
    .map((part) => part.split(';')[0]?.trim())
  return wanted !== undefined && accepted.includes(wanted) ? wanted : undefined
}

export function encodeWhole(bytes: Buffer, encoding: Encoding): Buffer {
  if (encoding === 'gzip') return gzipSync(bytes)
  return encoding === 'br' ? brotliCompressSync(bytes) : zstdCompressSync(bytes)
}

export type StreamEncoder = { readonly stream: Gzip | BrotliCompress | ZstdCompress; readonly flushKind: number }

/** An encoder for a stream, and the flush that makes everything written so far readable at the other end. */
export function streamEncoder(encoding: Encoding): StreamEncoder {
  if (encoding === 'gzip') return { stream: createGzip(), flushKind: constants.Z_SYNC_FLUSH }
  if (encoding === 'br') return { stream: createBrotliCompress(), flushKind: constants.BROTLI_OPERATION_FLUSH }
  return { stream: createZstdCompress(), flushKind: constants.ZSTD_e_flush }
}
