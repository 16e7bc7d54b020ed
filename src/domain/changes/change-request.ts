import type { WeightsWish } from './change-weights.ts'
import type { ConfigEvent } from './config-event.ts'

/** Who wants the weights of a route changed, why, and on top of what. */
export type ChangeRequest = {
  readonly route: string
  /** Undefined: back to the file. */
  readonly wish: WeightsWish | undefined
  readonly actor: string
  readonly reason: string
  /** Id of the change that must still be the route's last, `file` for none; undefined: whatever is there. */
  readonly ifMatch: string | undefined
}

export type ChangeAnswer =
  /** In force here. `isStored`: the other proxies have it within about a second, else as soon as the store is back. */
  | { readonly kind: 'applied'; readonly event: ConfigEvent; readonly isStored: boolean }
  | { readonly kind: 'refused'; readonly fault: string; readonly isUnknownRoute: boolean }
  /** Another change came first; `found` is its id, or `file`. */
  | { readonly kind: 'conflict'; readonly found: string }
  /** Nothing was changed, as far as anyone can tell. */
  | { readonly kind: 'unavailable'; readonly detail: string }
