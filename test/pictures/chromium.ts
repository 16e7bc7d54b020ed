import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
const RENDER_MS = 60_000

/** The Chromium of this machine, or the one that `CHROMIUM` names. Throws with what to install. */
export function findChromium(environment: NodeJS.ProcessEnv): string {
  const named = environment['CHROMIUM']
  const found = (named === undefined ? PLACES : [named]).find((path) => existsSync(path))
  if (found !== undefined) return found
  throw new Error(
    named === undefined
      ? 'pictures are drawn by Chromium, which is not installed: on Debian `apt-get install chromium`, elsewhere set CHROMIUM to its path'
      : `CHROMIUM names ${named}, which does not exist`,
  )
}

/** Pixels of the page, and how many of the picture each becomes. */
export type Shot = { readonly size: readonly [number, number]; readonly scale: number }

/** Draws the page in `html` (a path) into the PNG at `png`. Rejects when the page's own script fails. */
export async function screenshot(chromium: string, html: string, png: string, { size, scale }: Shot): Promise<void> {
  const profile = mkdtempSync(join(tmpdir(), 'understudy-chromium-'))
  try {
    const { stderr } = await promisify(execFile)(
      chromium,
      [
        '--headless',
        '--no-sandbox', // only pages that were made here are opened, and a container has no sandbox to offer
        '--disable-gpu',
        '--disable-quic',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--disable-dev-shm-usage',
        '--no-first-run',
        '--hide-scrollbars',
        `--force-device-scale-factor=${scale}`,
        '--enable-logging=stderr',
        '--virtual-time-budget=2000',
        `--user-data-dir=${profile}`,
        `--window-size=${size.join(',')}`,
        `--screenshot=${png}`,
        `file://${html}`,
      ],
      { timeout: RENDER_MS, maxBuffer: 10_000_000 },
    )
    const complaint = /CONSOLE.*(Uncaught.*)/.exec(stderr)?.[1]
    if (complaint !== undefined) throw new Error(`the page's script failed: ${complaint}`)
    if (!existsSync(png)) throw new Error(`Chromium drew nothing: ${stderr.slice(-500)}`)
  } finally {
    rmSync(profile, { recursive: true, force: true })
  }
}
