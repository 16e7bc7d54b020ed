/** Lanczos' coefficients for g = 7 (Godfrey's, 15 digits). */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const
const G = 7

/** ln Γ(x) for x > 0, to about 15 digits. */
export function lnGamma(x: number): number {
  // Reflection: Γ(x) Γ(1 − x) = π / sin πx.
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - lnGamma(1 - x)
  const [first, ...rest] = LANCZOS
  let sum: number = first
  for (const [index, coefficient] of rest.entries()) sum += coefficient / (x + index)
  const base = x + G - 0.5
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(base) - base + Math.log(sum)
}

const MOST_TERMS = 10_000
const ENOUGH = 1e-15

/** Q(a, x) = Γ(a, x) / Γ(a), the upper regularised incomplete gamma function, for a > 0 and x ≥ 0 (DLMF 8.7.1, 8.9.2). */
export function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1
  if (x === Number.POSITIVE_INFINITY) return 0
  const scale = Math.exp(a * Math.log(x) - x - lnGamma(a))
  return x < a + 1 ? 1 - scale * lowerSeries(a, x) : scale * upperFraction(a, x)
}

function lowerSeries(a: number, x: number): number {
  let term = 1 / a
  let sum = term
  for (let n = 1; n < MOST_TERMS && term > sum * ENOUGH; n++) {
    term *= x / (a + n)
    sum += term
  }
  return sum
}

/** By Lentz's method: both quotients kept, so that nothing over- or underflows. */
function upperFraction(a: number, x: number): number {
  let b = x + 1 - a
  let c = Number.POSITIVE_INFINITY
  let d = 1 / b
  let value = d
  for (let n = 1; n < MOST_TERMS; n++) {
    const numerator = -n * (n - a)
    b += 2
    d = 1 / (numerator * d + b)
    c = b + numerator / c
    value *= c * d
    if (Math.abs(c * d - 1) < ENOUGH) break
  }
  return value
}

/** P(χ² with `degrees` degrees of freedom ≥ `statistic`). */
export function chiSquareTail(statistic: number, degrees: number): number {
  return upperGamma(degrees / 2, statistic / 2)
}

/** Φ(z), the standard normal distribution function. */
export function normalCdf(z: number): number {
  const tail = upperGamma(0.5, (z * z) / 2) / 2
  return z < 0 ? tail : 1 - tail
}
