import type { Config } from '../domain/policy.ts'
import { recordIn } from './json-rows.ts'
import { reachText } from './reach-text.ts'
import { askAdmin } from './read-admin.ts'
import { requireRunning } from './run-file.ts'
import type { Terminal } from './terminal.ts'

export type SwitchOptions = { readonly reason: string; readonly actor: string }

/** Turns a shadow of the running proxies on or off, until that is changed again or the file says something else. */
export async function switchShadow(
  { print }: Terminal,
  { boot }: Config,
  name: string,
  position: 'on' | 'off',
  { reason, actor }: SwitchOptions,
): Promise<number> {
  const running = await requireRunning(boot, 'a shadow of one that is to be started is enabled in its config file')
  const query = new URLSearchParams({ reason }).toString()
  const answer = await askAdmin(running, `/admin/shadows/${encodeURIComponent(name)}/${position}?${query}`, {
    method: 'POST',
    headers: actor === '' ? {} : { 'x-understudy-actor': actor },
  })
  print(`The shadow ${name} is ${position}. ${reachText(recordIn({ answer }, 'answer')?.['stored'] === true)}`)
  return 0
}
