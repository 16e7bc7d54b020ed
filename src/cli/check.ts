import { systemWorld } from '../compose.ts'
import { checkConfig } from '../config/check.ts'
import type { ConfigSource } from '../config/load-config.ts'
import { createPriceBook } from '../pricing/price-book.ts'
import { configNotices } from '../compose/config-notices.ts'
import type { Terminal } from './terminal.ts'

/** Prints what the file means and what of it will not happen, or every fault in it and `advice`. Exit code 1 when it has any. */
export async function check(
  { print, complain }: Terminal,
  source: ConfigSource,
  advice: readonly string[],
): Promise<number> {
  const checked = await checkConfig(source)
  if (!checked.ok) {
    for (const line of [...checked.lines, ...advice]) complain(line)
    return 1
  }
  const { policy } = checked.config
  for (const line of checked.lines) print(line)
  for (const notice of configNotices(policy, createPriceBook(policy).price, systemWorld.now())) print(`! ${notice}`)
  return 0
}
