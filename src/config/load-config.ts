import { resolve } from 'node:path'
import type { Config } from '../domain/policy.ts'
import { type FileReading, readConfigFile } from './config-file.ts'
import type { Fault } from './fault.ts'
import type { Environment } from './interpolate.ts'
import { parseConfig } from './load.ts'

/** Where a config comes from, and what its `${…}` and its relative paths mean. */
export type ConfigSource = {
  /** As the operator named it: faults call it so. */
  readonly file: string
  readonly environment: Environment
  /** Absolute; a relative `file` and a relative `data_dir` start from it. */
  readonly baseDir: string
}

/** A config, with the text it was read from and the version of its bytes. */
export type Loaded = { readonly config: Config; readonly version: string; readonly text: string }

/** `version` is undefined where there were no bytes to read. */
export type Rejected = { readonly faults: readonly Fault[]; readonly version: string | undefined }

export type LoadResult = Loaded | Rejected

/** Reads and checks the config file. Never throws. */
export async function loadConfig(source: ConfigSource): Promise<LoadResult> {
  return checkReading(await readConfigFile(configPath(source)), source)
}

/** Where the file is, absolute. */
export function configPath(source: ConfigSource): string {
  return resolve(source.baseDir, source.file)
}

/** Checks what was read. */
export function checkReading(reading: FileReading, source: ConfigSource): LoadResult {
  if (reading.kind === 'unreadable') {
    return {
      faults: [whole(source, `expected a file that can be read, found ${reason(reading.code)}`)],
      version: undefined,
    }
  }
  const { bytes, version } = reading
  const text = decode(bytes)
  if (text === undefined) return { faults: [whole(source, 'expected UTF-8 text, found bytes that are not')], version }
  const result = parseConfig(text, source.file, source.environment, source.baseDir)
  return 'config' in result ? { config: result.config, version, text } : { faults: result.faults, version }
}

function whole(source: ConfigSource, text: string): Fault {
  return { file: source.file, line: 1, column: 1, path: '', text }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function reason(code: string): string {
  switch (code) {
    case 'ENOENT':
      return 'that there is none'
    case 'EACCES':
      return 'that reading it is not permitted'
    case 'EISDIR':
      return 'a directory'
    default:
      return `the error ${code}`
  }
}
