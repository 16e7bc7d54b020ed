/**
 * The part of the way from `current` to `target` that is backed: share goes from arms that are shown to be worse than one
 * that gains, to arms that are shown to be better than one that loses. What is not shown stays where it is, so that chance
 * moves nothing between equals. `isBetter(one, other)`: the arm `one` is shown to be worth more than `other`. Sums are kept.
 */
export function shownMoves(
  current: readonly number[],
  target: readonly number[],
  isBetter: (one: number, other: number) => boolean,
): readonly number[] {
  const changes = current.map((share, arm) => (target[arm] ?? 0) - share)
  const gaining = changes.flatMap((change, arm) => (change > 0 ? [arm] : []))
  const losing = changes.flatMap((change, arm) => (change < 0 ? [arm] : []))
  const gains = new Set(gaining.filter((arm) => losing.some((loser) => isBetter(arm, loser))))
  const losses = new Set(losing.filter((arm) => gaining.some((gainer) => isBetter(gainer, arm))))
  const sumOf = (arms: ReadonlySet<number>): number =>
    [...arms].reduce((sum, arm) => sum + Math.abs(changes[arm] ?? 0), 0)
  const moved = Math.min(sumOf(gains), sumOf(losses))
  if (moved === 0) return current
  return current.map((share, arm) => {
    const change = changes[arm] ?? 0
    if (gains.has(arm)) return share + change * (moved / sumOf(gains))
    return losses.has(arm) ? share + change * (moved / sumOf(losses)) : share
  })
}
