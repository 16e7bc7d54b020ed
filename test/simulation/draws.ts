/** Random numbers that are the same for the same seed, on every machine. */
export type Draws = {
  /** Uniform in [0, 1). */
  readonly unit: () => number
  /** True with probability `share`. */
  readonly chance: (share: number) => boolean
  readonly exponential: (mean: number) => number
  readonly poisson: (mean: number) => number
}

/** sfc32 (Chris Doty-Humphrey's small fast counter, which passes PractRand), seeded by one number. */
export function createDraws(seed: number): Draws {
  let [a, b, c, counter] = [0x9e3779b9, seed | 0, 0x243f6a88, 1]
  const next = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return (sum >>> 0) / 2 ** 32
  }
  for (let warmUp = 0; warmUp < 16; warmUp++) next()
  return {
    unit: next,
    chance: (share) => next() < share,
    exponential: (mean) => -mean * Math.log(1 - next()),
    // By products of uniforms (Knuth); the mean per minute is small.
    poisson: (mean) => {
      const limit = Math.exp(-mean)
      let count = 0
      for (let product = next(); product > limit; product *= next()) count += 1
      return count
    },
  }
}
