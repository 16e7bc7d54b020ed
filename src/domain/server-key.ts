import type { Provider } from './policy.ts'

/** Whether calls to `provider` are paid with a key of the server's: its `apiKey`, or the header that Azure takes one in. */
export function usesServerKey({ apiKey, headers }: Pick<Provider, 'apiKey' | 'headers'>): boolean {
  return apiKey !== undefined || headers.has('api-key')
}
