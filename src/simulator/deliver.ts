import type { Frame } from './ask.ts'
import type { Channel } from './channel.ts'
import { encodeWhole } from './content-encoding.ts'
import type { Encoding, Faults, Stop } from './faults.ts'
import { expandGigantic } from './gigantic.ts'

/** Milliseconds since the request was read. */
export type Timing = {
  readonly firstByteMs: number
  readonly firstTokenMs: number
  /** 0 = as fast as the client reads. */
  readonly msPerToken: number
}

export type WholeAnswer = { readonly status: number; readonly headers: readonly string[]; readonly body: string }

/** Sends a whole body after `waitMs`, with the faults that apply to bodies. `encoding`: how to compress it. */
export async function deliverWhole(
  channel: Channel,
  answer: WholeAnswer,
  waitMs: number,
  faults: Faults,
  encoding: Encoding | undefined,
): Promise<void> {
  if (!(await channel.wait(waitMs))) return
  if (faults.stop !== undefined && faults.stop.after === undefined) return halt(channel, faults.stop)
  if (faults.garbage === 'http') return channel.babble(NOT_HTTP)
  const { status, headers } = answer

  if (faults.giganticBytes !== undefined) {
    channel.head(status, headers)
    let left = faults.stop?.after ?? Infinity
    for (const piece of expandGigantic(answer.body, faults.giganticBytes)) {
      if (!(await channel.send(left < piece.length ? piece.slice(0, left) : piece))) return
      left -= piece.length
      if (left <= 0 && faults.stop !== undefined) return halt(channel, faults.stop)
    }
    return channel.finish()
  }

  const plain = Buffer.from(faults.garbage === 'json' ? NOT_JSON : answer.body)
  const bytes = encoding === undefined ? plain : encodeWhole(plain, encoding)
  const after = faults.stop?.after
  const sent = after === undefined ? bytes : bytes.subarray(0, after)
  // `end` promises only what it sends: well-framed, and still half an answer.
  const promised = (faults.stop?.how === 'end' ? sent.length : bytes.length) + (faults.lengthOffBy ?? 0)
  channel.head(status, [
    ...headers,
    ...(encoding === undefined ? [] : ['Content-Encoding', encoding]),
    'Content-Length',
    String(Math.max(0, promised)),
  ])
  if (!(await channel.send(sent))) return
  if (faults.stop !== undefined && sent.length < bytes.length) return halt(channel, faults.stop)
  if (faults.lengthOffBy !== undefined) return channel.cut('cut')
  await channel.finish()
}

/** Sends an event stream at its pace, with the faults that apply to streams. `elapsedMs` counts from the request's last byte. */
export async function deliverStream(
  channel: Channel,
  headers: readonly string[],
  frames: Iterable<Frame>,
  timing: Timing,
  faults: Faults,
  errorFrame: string,
  elapsedMs: () => number,
): Promise<void> {
  if (!(await channel.wait(timing.firstByteMs))) return
  if (faults.stop !== undefined && faults.stop.after === undefined) return halt(channel, faults.stop)
  if (faults.garbage === 'http') return channel.babble(NOT_HTTP)
  channel.head(200, headers)
  const send = (text: string): Promise<boolean> =>
    channel.send(faults.isCrlf ? text.replaceAll(/\r?\n/g, '\r\n') : text)

  const heartbeats = faults.heartbeats ?? 0
  for (let beat = 0; beat < heartbeats; beat += 1) {
    if (!(await send(': heartbeat\n\n'))) return
    if (!(await channel.wait(timing.firstTokenMs / (heartbeats + 1)))) return
  }

  let [events, tokens] = [0, 0]
  for (const frame of frames) {
    if (faults.stop?.after === events) return halt(channel, faults.stop)
    if (faults.errorFrameAfter === events) {
      if (await send(errorFrame)) await channel.finish()
      return
    }
    if (faults.garbage !== undefined && events === 2 && !(await send(BROKEN_FRAME))) return
    if (frame.isToken) {
      if (!(await channel.wait(timing.firstTokenMs + tokens * timing.msPerToken - elapsedMs()))) return
      tokens += 1
    }
    const texts = faults.giganticBytes === undefined ? [frame.text] : expandGigantic(frame.text, faults.giganticBytes)
    for (const text of texts) if (!(await send(text))) return
    events += 1
  }
  await channel.finish()
}

function halt(channel: Channel, stop: Stop): Promise<void> {
  switch (stop.how) {
    case 'hang':
      return Promise.resolve()
    case 'end':
      return channel.finish()
    case 'cut':
    case 'reset':
      return channel.cut(stop.how)
  }
}

const NOT_HTTP = 'SSH-2.0-OpenSSH_9.9\r\nthis is not HTTP\r\n'
const NOT_JSON = '<html>\n<head><title>502 Bad Gateway</title></head>\n<body>nginx</body>\n</html>\n'
const BROKEN_FRAME = 'data: {"id":"chatcmpl-broken","choices":[{"index":0,"del\n\n'
