import { z } from 'zod'

/** What the load process is told to send. */
export const LoadOrder = z.object({
  port: z.number(),
  path: z.string(),
  /** Header lines besides those of every request. */
  headers: z.array(z.string()),
  kind: z.enum(['plain', 'stream']),
  paceMs: z.number(),
  connections: z.number(),
  seconds: z.number(),
  /**
   * So many requests a second at even distances, whatever the answers do (open loop); undefined = each connection asks
   * again as soon as it is answered (closed loop).
   */
  ratePerSecond: z.number().optional(),
})
export type LoadOrder = z.infer<typeof LoadOrder>

/** What it saw. */
export const LoadResult = z.object({
  answers: z.number(),
  /** Answers with another status than 200 or another length than the upstream's own, and lost connections. */
  faults: z.number(),
  firstFault: z.string().optional(),
  seconds: z.number(),
  /**
   * Request due to answer complete, in milliseconds; undefined when no answer came. Due is when it was written, in an
   * open loop when its turn had come: what a request waits because others are slow is its own time too.
   */
  p50Ms: z.number().optional(),
  p99Ms: z.number().optional(),
  p999Ms: z.number().optional(),
  maxMs: z.number().optional(),
  /** Request written to the body's first byte, in milliseconds. */
  firstByteP50Ms: z.number().optional(),
  /** Open loop: requests whose turn had come and for which no connection was ever free. They count as waiting till the end. */
  unsent: z.number(),
  /** Answers in each second since the start. */
  answersBySecond: z.array(z.number()),
})
export type LoadResult = z.infer<typeof LoadResult>
