import { checkConfig } from '../config/check.ts'
import type { ConfigSource } from '../config/load-config.ts'
import type { Terminal } from './terminal.ts'

/** Prints what the file means, or every fault in it and `advice`. Exit code 1 when it has any. */
export async function check(
  { print, complain }: Terminal,
  source: ConfigSource,
  advice: readonly string[],
): Promise<number> {
  const { ok, lines } = await checkConfig(source)
  for (const line of ok ? lines : [...lines, ...advice]) (ok ? print : complain)(line)
  return ok ? 0 : 1
}
