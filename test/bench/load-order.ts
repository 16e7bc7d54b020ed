import { z } from 'zod'

/** What the load process is told to send. */
export const LoadOrder = z.object({
  port: z.number(),
  path: z.string(),
  kind: z.enum(['plain', 'stream']),
  paceMs: z.number(),
  connections: z.number(),
  seconds: z.number(),
})
export type LoadOrder = z.infer<typeof LoadOrder>

/** What it saw. */
export const LoadResult = z.object({
  answers: z.number(),
  /** Answers with another status than 200 or another length than the upstream's own, and lost connections. */
  faults: z.number(),
  firstFault: z.string().optional(),
  seconds: z.number(),
  /** Request written to answer complete, in milliseconds; undefined when no answer came. */
  p50Ms: z.number().optional(),
  p99Ms: z.number().optional(),
  /** Request written to the body's first byte, in milliseconds. */
  firstByteP50Ms: z.number().optional(),
})
export type LoadResult = z.infer<typeof LoadResult>
