import { hash } from 'node:crypto'
import type { Dialect } from '../domain/request.ts'

/** The answer to a file upload; `sha256` (ours, no provider sends it) tells that the file came through whole. */
export function fileBody(dialect: Dialect, body: Buffer, contentType: string, id: string, now: number): string {
  const parts = readMultipart(body, contentType)
  const file = parts.find((part) => part.filename !== undefined)
  const purpose = parts.find((part) => part.name === 'purpose')?.content.toString('utf8') ?? 'user_data'
  const content = file?.content ?? body
  const [filename, sha256] = [file?.filename ?? 'upload', hash('sha256', content)]
  return dialect === 'openai'
    ? JSON.stringify(
        {
          id: `file-${id}`,
          object: 'file',
          purpose,
          filename,
          bytes: content.length,
          created_at: Math.floor(now / 1000),
          expires_at: null,
          status: 'processed',
          status_details: null,
          sha256,
        },
        undefined,
        2,
      ) + '\n'
    : JSON.stringify({
        id: `file_01${id}`,
        type: 'file',
        filename,
        mime_type: file?.type ?? 'application/octet-stream',
        size_bytes: content.length,
        created_at: new Date(now).toISOString(),
        downloadable: false,
        sha256,
      })
}

type Part = {
  readonly name: string
  readonly filename: string | undefined
  readonly type: string | undefined
  readonly content: Buffer
}

/** The parts of a multipart body; none where it is not one. */
function readMultipart(body: Buffer, contentType: string): readonly Part[] {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1]
  if (boundary === undefined) return []
  const delimiter = Buffer.from(`--${boundary}`)
  const parts: Part[] = []
  for (let start = body.indexOf(delimiter); start !== -1;) {
    const end = body.indexOf(delimiter, start + delimiter.length)
    if (end === -1) break
    const part = body.subarray(start + delimiter.length + 2, end - 2)
    const headEnd = part.indexOf('\r\n\r\n')
    const head = part.subarray(0, Math.max(0, headEnd)).toString('utf8')
    parts.push({
      name: /[; ]name="([^"]*)"/.exec(head)?.[1] ?? '',
      filename: /filename="([^"]*)"/.exec(head)?.[1],
      type: /content-type: *(\S+)/i.exec(head)?.[1],
      content: part.subarray(headEnd + 4),
    })
    start = end
  }
  return parts
}
