/**
 * A whole segment of one or two dots, in any spelling that some server reads so: dots and separators percent-encoded
 * once or again and again, the backslash as a separator, parameters behind a semicolon.
 */
const DOT_SEGMENT = /(?:^|[/\\]|%(?:25)*(?:2f|5c))(?:\.|%(?:25)*2e){1,2}(?:[;/\\]|%(?:25)*(?:2f|5c|3b)|$)/i

/** Whether a server that normalises `path` (without its query) could be led out of the folder it is in. */
export function hasDotSegment(path: string): boolean {
  return DOT_SEGMENT.test(path)
}
