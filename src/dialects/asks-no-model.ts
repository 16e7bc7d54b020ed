/** What an account holds beside its models: files and the like are brought and changed with POST too. */
const HOLDINGS =
  /^(?:\/[\w-]+)?(?:\/v1(?:beta|alpha)?)?\/(?:files|uploads|vector_stores|containers|conversations|skills|organization)(?:[/?:]|$)/

/**
 * Whether a request that is relayed unread asks no model for anything, so that its call has no price to be known. Models
 * are asked with POST in every dialect; batches and trainings cost something later, so they are not among these.
 */
export function asksNoModel(method: string, upstreamPath: string): boolean {
  return method !== 'POST' || HOLDINGS.test(upstreamPath)
}
