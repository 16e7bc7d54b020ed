/** Passes on what one process prints, in whole lines only. */
export type LineRelay = {
  readonly take: (bytes: Buffer) => void
  /** The process is gone; `cut`: what it had begun of a line. */
  readonly end: () => { readonly cut: string }
}

const NEWLINE = 10

/**
 * The lines of several processes in one stream: two that wrote to it themselves would cut each other's lines wherever
 * a pipe takes a part of a batch. `write` gets any number of whole lines at once.
 */
export function createLineRelay(write: (lines: string) => void): LineRelay {
  let begun: Buffer[] = []
  return {
    take: (bytes) => {
      const end = bytes.lastIndexOf(NEWLINE) + 1
      if (end > 0) {
        write(Buffer.concat([...begun, bytes.subarray(0, end)]).toString())
        begun = []
      }
      if (end < bytes.length) begun.push(bytes.subarray(end))
    },
    end: () => {
      const cut = Buffer.concat(begun).toString()
      begun = []
      return { cut }
    },
  }
}
