import type { Terminal } from './terminal.ts'
export async function demo(
  terminal: Terminal,
  _options: { readonly requests: number; readonly seed: number },
): Promise<number> {
  terminal.print('x')
  return 0
}
