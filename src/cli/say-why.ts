/** What went wrong, in a sentence: files that cannot be read are what people mistype, and Node only names the call. */
export function sayWhy(error: unknown, cwd: string): string {
  if (!(error instanceof Error)) return String(error)
  if (!('code' in error) || !('path' in error) || typeof error.path !== 'string') return error.message
  const where = error.path.startsWith('/') ? '' : ` (looked for in ${cwd})`
  switch (error.code) {
    case 'ENOENT':
      return `${error.path}: there is no such file${where}.`
    case 'EISDIR':
      return `${error.path}: expected a file, found a directory${where}.`
    case 'EACCES':
      return `${error.path}: reading it is not permitted${where}.`
    default:
      return error.message
  }
}
