/** Where a change that was asked for is in force. `isStored`: every instance reads it where it is on record. */
export function reachText(isStored: boolean): string {
  return isStored
    ? 'In force here; every other proxy has it within about a second.'
    : 'In force here. ClickHouse is away (or there is none): other proxies get it when it is back.'
}
