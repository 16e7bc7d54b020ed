const NEWLINE = 10
const FIRST_BYTES = 64 * 1024
/** A UTF-16 unit becomes at most three bytes of UTF-8. */
const BYTES_PER_CHAR = 3

/**
 * Turns lines into bytes, each with a newline after it, in one piece of memory that is used again and again: what it
 * returns is good until the next call. Nothing is allocated, and nothing is left for the garbage collector.
 */
export function lineBuffer(): (lines: readonly string[]) => Buffer {
  let memory: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  return (lines) => {
    let length = 0
    for (const line of lines) {
      const needed = length + line.length * BYTES_PER_CHAR + 1
      if (needed > memory.length) memory = grown(memory, length, needed)
      length += memory.write(line, length)
      memory[length++] = NEWLINE
    }
    return memory.subarray(0, length)
  }
}

function grown(memory: Buffer, used: number, needed: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(2 * needed)
  memory.copy(larger, 0, 0, used)
  return larger
}
