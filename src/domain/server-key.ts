import type { Provider } from './policy.ts'

/** Whether a client's own key goes up: not beside the server's, nor where no key is asked for. */
export function takesClientKey({ apiKey, auth }: Pick<Provider, 'apiKey' | 'auth'>): boolean {
  return apiKey === undefined && auth !== 'none'
}

/** Whether calls to `provider` are paid with a key of the server's. */
export function usesServerKey({ apiKey }: Pick<Provider, 'apiKey'>): boolean {
  return apiKey !== undefined
}
