/** The side of a live rollout; on `stable` are those who are not compared. */
export type DealtArm = 'candidate' | 'control' | 'stable'

/** The arm that a running conversation began with, in one epoch of one rollout. */
export type ArmPin = { readonly rollout: string; readonly epoch: number; readonly arm: DealtArm }
