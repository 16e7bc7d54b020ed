/** The label of every model that has none of its own. */
export const OTHER = 'other'
/** The label of a request that names no model, or of a provider that is not known to be configured. */
export const NONE = 'none'

/** Names longer than this never get a label: the longest real ones (Bedrock ARNs) have about 150 characters. */
const LONGEST_NAME = 200

/**
 * Decides which model names become label values. Clients write these names, so they are hostile: a loop over
 * random names would grow the process and the metrics store without end. A name gets a label once the provider
 * has answered for it (typing errors never take a place that a real model needs later), and at most `limit` pairs
 * of provider and model do; all else is `other`. The traces keep every name.
 */
export type ModelLabels = {
  /** `isServed`: the provider has just answered a call for this model with success. */
  readonly label: (provider: string, model: string | undefined, isServed: boolean) => string
}

export function createModelLabels(limit: number): ModelLabels {
  const admitted = new Set<string>()
  return {
    label: (provider, model, isServed) => {
      if (model === undefined || model === '') return NONE
      if (model.length > LONGEST_NAME) return OTHER
      // Provider names come from the config and hold no line break, so no two pairs share a key.
      const pair = `${provider}\n${model}`
      if (admitted.has(pair)) return model
      if (!isServed || admitted.size >= limit) return OTHER
      admitted.add(pair)
      return model
    },
  }
}
