import type { TracingOptions } from './start-tracing.ts'
import type { Tracing } from './tracing.ts'
import type { TracingSettings } from './tracing-settings.ts'

/** Starts the export of spans; undefined when it is off: then not even the SDK's code is loaded. */
export async function openTracing(
  settings: TracingSettings,
  options: Omit<TracingOptions, 'settings'>,
): Promise<Tracing | undefined> {
  const { log } = options
  if (settings.kind === 'off') {
    if (settings.because !== undefined) log.warn('spans_off', { detail: settings.because })
    return undefined
  }
  for (const detail of settings.ignored) log.warn('spans_setting_ignored', { detail })
  const { startTracing } = await import('./start-tracing.ts')
  return startTracing({ ...options, settings })
}
