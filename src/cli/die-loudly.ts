import type { Log } from '../domain/ports.ts'

/** A bug: say it, and end. The rows of finished requests are in the spool; going on in an unknown state is worse. */
export function dieLoudly(
  process: NodeJS.Process,
  { log, flushLog }: { readonly log: Log; readonly flushLog: () => void },
): void {
  const die = (error: unknown): void => {
    log.error('crashed', { bug: error instanceof Error ? error : String(error) })
    flushLog()
    process.exit(70) // EX_SOFTWARE
  }
  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)
}
