import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

/** Imported before a program (`--import`): writes the URL of every module it loads to the file of LOADED_MODULES. */
const file = process.env['LOADED_MODULES']
if (file === undefined) throw new Error('LOADED_MODULES names no file')
registerHooks({
  load: (url, context, next) => {
    appendFileSync(file, `${url}\n`)
    return next(url, context)
  },
})
