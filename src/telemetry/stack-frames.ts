const MOST_FRAMES = 12
const LONGEST_FRAME = 200

/** As V8 writes them: `    at name (place:line:column)` or `    at place:line:column`. */
const FRAME = /^ {4}at (\S.*:\d+:\d+\)?)$/
const ABOVE_THE_PROJECT = /(?:file:\/\/)?(?:\/|[A-Za-z]:[\\/])[^()]*?(?=(?:src|node_modules|test)[\\/])/

/**
 * Where an error was thrown, innermost first: `read (src/store/read.ts:12:5)`. The directories above the project are
 * left out, and so is the text of the error: only lines that name a place of the code are kept.
 */
export function stackFrames({ stack }: Error): readonly string[] {
  if (stack === undefined) return []
  return stack
    .split('\n')
    .flatMap((line) => {
      const frame = FRAME.exec(line)?.[1]
      return frame === undefined ? [] : [frame.replace(ABOVE_THE_PROJECT, '').slice(0, LONGEST_FRAME)]
    })
    .slice(0, MOST_FRAMES)
}
