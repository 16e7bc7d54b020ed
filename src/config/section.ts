import { z } from 'zod'

/** A mapping in which every key that is not in `shape` is a fault. */
export function section<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, { error: 'a mapping' })
}
