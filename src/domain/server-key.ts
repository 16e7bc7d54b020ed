import type { Provider } from './policy.ts'

/** Whether calls to `provider` are paid with a key of the server's. */
export function usesServerKey({ apiKey }: Pick<Provider, 'apiKey'>): boolean {
  return apiKey !== undefined
}
