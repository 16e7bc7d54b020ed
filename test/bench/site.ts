/** What a contender is given to start with: free ports, the upstream to forward to, an empty directory of its own. */
export type Site = {
  readonly port: number
  readonly adminPort: number
  readonly upstreamPort: number
  readonly directory: string
}
