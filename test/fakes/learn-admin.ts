import { ask } from './ask.ts'

/** What routes read, by their own word: their errors say what they expected. */
export type Learnt = { readonly fields: readonly string[]; readonly parameters: readonly string[] }

/** Asks every route something wrong, and takes the names of fields and parameters out of what it says to that. */
export async function learnAdmin(
  port: number,
  routes: readonly { readonly method: string; readonly path: string }[],
  token: string,
): Promise<Learnt> {
  const fields = new Set<string>()
  const parameters = new Set<string>()
  for (const { method, path } of routes) {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = method === 'GET' ? {} : { body: '{"of_no_route": 1}' }
    const answers = [
      await ask(port, `${path.replace(/:\w+/g, 'x')}?of_no_route=1`, { method, headers, ...body }),
      await ask(port, path.replace(/:\w+/g, 'x'), { method, headers, ...body }),
    ]
    for (const { body: told } of answers) {
      for (const [, name = ''] of told.matchAll(/\\"(\w+)\\": /g)) fields.add(name)
      for (const name of /Known: ([\w, ]+)\./.exec(told)?.[1]?.split(', ') ?? []) parameters.add(name)
    }
  }
  return { fields: [...fields], parameters: [...parameters] }
}
