/** What a command gets from the process. `print` writes one line to stdout, `complain` one to stderr. */
export type Terminal = {
  readonly process: NodeJS.Process
  readonly version: string
  readonly print: (line: string) => void
  readonly complain: (line: string) => void
}
