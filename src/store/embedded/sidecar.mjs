// The embedded ClickHouse server: a child process of its own, because the engine blocks the thread it runs on,
// may use gigabytes, and must be killable without the proxy noticing. Plain JavaScript, so that it starts alike
// under every Node. Arguments: <conf dir> <data dir> <port file>. Closing stdin stops it; see launch.ts.
import { createRequire } from 'node:module'

/** Exit codes that launch.ts turns into advice; every other failure is told by stderr and the engine's log. */
const EXIT = { failed: 1, engineNotInstalled: 3, bindingNotInstalled: 4 }

const require = createRequire(import.meta.url)
const [confDir, dataDir, portFile] = process.argv.slice(2)

/** A single-quoted ClickHouse string literal. */
const quoted = (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

// 1. Start listening (the port comes from config.xml). 2. Tell the parent which port it became. 3. Block on stdin:
// when the parent closes it, or dies in any way, the last query ends and with it the server.
const script = [
  'SYSTEM START LISTEN HTTP',
  `SELECT getServerPort('http_port') INTO OUTFILE ${quoted(portFile)} TRUNCATE FORMAT TSV`,
  "SELECT count() FROM file('-', LineAsString, 'l String') FORMAT Null SETTINGS max_execution_time = 0",
].join(';\n')
const commandLine = ['clickhouse', `--config-file=${confDir}/config.xml`, `--path=${dataDir}`, `--query=${script}`]

function exit(code, message) {
  process.stderr.write(`${message}\n`, () => process.exit(code))
}

/** Path of the engine's shared library; loads nothing. */
function libraryPath() {
  try {
    return require('chdb/libchdb').libchdbPath()
  } catch (error) {
    exit(EXIT.engineNotInstalled, error.message)
    return undefined
  }
}

/** The built-in FFI of Node ≥ 26.1. Returns the engine's error text, '' for none, once the server has stopped. */
function runWithNodeFfi(ffi, library) {
  const { functions } = ffi.dlopen(library, {
    chdb_query_cmdline: { arguments: ['i32', 'pointer'], return: 'pointer' },
    chdb_result_error: { arguments: ['pointer'], return: 'pointer' },
  })
  const strings = commandLine.map((argument) => Buffer.from(`${argument}\0`))
  const pointers = Buffer.alloc(8 * (strings.length + 1))
  strings.forEach((string, index) => pointers.writeBigUInt64LE(ffi.getRawPointer(string), index * 8))
  const result = functions.chdb_query_cmdline(strings.length, ffi.getRawPointer(pointers))
  const error = functions.chdb_result_error(result)
  return error ? ffi.toString(error) : ''
}

/** ffi-rs for older Node. Not koffi: it calls on a private stack, which trips the engine's stack check (code 49). */
function runWithFfiRs(ffi, library) {
  const { open, load, isNullPointer, restorePointer, wrapPointer, DataType } = ffi
  open({ library: 'chdb', path: library })
  const call = (funcName, retType, paramsType, paramsValue) =>
    load({ library: 'chdb', funcName, retType, paramsType, paramsValue })
  const result = call(
    'chdb_query_cmdline',
    DataType.External,
    [DataType.I32, DataType.StringArray],
    [commandLine.length, commandLine],
  )
  const error = call('chdb_result_error', DataType.External, [DataType.External], [result])
  if (isNullPointer(error)) return ''
  return restorePointer({ retType: [DataType.String], paramsValue: wrapPointer([error]) })[0]
}

async function main() {
  const library = libraryPath()
  if (library === undefined) return
  const builtIn = await import('node:ffi').catch(() => undefined)
  let error
  if (builtIn?.dlopen !== undefined) {
    error = runWithNodeFfi(builtIn, library)
  } else {
    let ffiRs
    try {
      ffiRs = require('ffi-rs')
    } catch (cause) {
      exit(EXIT.bindingNotInstalled, cause.message)
      return
    }
    error = runWithFfiRs(ffiRs, library)
  }
  if (error) exit(EXIT.failed, error.split('\n')[0])
  else process.exit(0)
}

await main()
