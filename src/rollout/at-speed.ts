import type { Gate, Rollout } from '../domain/rollout/rollout.ts'

/** `rollout` with all its times shorter by `speed`: what it must show stays the same. For demonstrations and tests. */
export function atSpeed(rollout: Rollout, speed: number): Rollout {
  if (speed === 1) return rollout
  const { shadow, steps, bake, cooldownMs } = rollout.plan
  const faster = <G extends Gate>(gate: G): G => ({
    ...gate,
    dwellMs: gate.dwellMs / speed,
    maxDurationMs: gate.maxDurationMs / speed,
  })
  return {
    ...rollout,
    plan: {
      shadow: shadow === undefined ? undefined : faster(shadow),
      steps: steps.map(faster),
      bake: { ...bake, durationMs: bake.durationMs / speed, maxDurationMs: bake.maxDurationMs / speed },
      cooldownMs: cooldownMs / speed,
    },
  }
}
