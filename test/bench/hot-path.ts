import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const Profile = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
    }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
})

/** Time that one function spent in its own code. */
export type SelfTime = {
  readonly name: string
  readonly place: string
  readonly selfMs: number
  readonly share: number
}

/** Reads the V8 profiles in `directory`, one list per process or thread, most time first; `share` is of the busy time. */
export function selfTimes(directory: string): SelfTime[][] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.cpuprofile'))
    .map((file) => ranked(Profile.parse(JSON.parse(readFileSync(join(directory, file), 'utf8')))))
    .sort((a, b) => busyMs(b) - busyMs(a))
}

/** The `count` functions that take most time, as lines of text. */
export function renderSelfTimes(times: readonly SelfTime[], count: number): string {
  return times
    .slice(0, count)
    .map(
      ({ name, place, selfMs, share }) =>
        `${(share * 100).toFixed(1).padStart(5)} % ${selfMs.toFixed(0).padStart(6)} ms  ${name.padEnd(32)} ${place}`,
    )
    .join('\n')
}

function ranked(profile: z.infer<typeof Profile>): SelfTime[] {
  const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]))
  const spent = new Map<string, { name: string; place: string; selfMs: number }>()
  profile.samples.forEach((id, index) => {
    const frame = frames.get(id)
    if (frame === undefined || frame.functionName === '(idle)' || frame.functionName === '(root)') return
    const place = frame.url === '' ? '' : `${shortened(frame.url)}:${frame.lineNumber + 1}`
    const name = frame.functionName || '(anonymous)'
    const entry = spent.get(`${name} ${place}`) ?? { name, place, selfMs: 0 }
    entry.selfMs += (profile.timeDeltas[index] ?? 0) / 1000
    spent.set(`${name} ${place}`, entry)
  })
  const all = [...spent.values()]
  const total = all.reduce((sum, { selfMs }) => sum + selfMs, 0)
  return all.map((entry) => ({ ...entry, share: entry.selfMs / total })).sort((a, b) => b.selfMs - a.selfMs)
}

function busyMs(times: readonly SelfTime[]): number {
  return times.reduce((sum, { selfMs }) => sum + selfMs, 0)
}

/** `file:///…/node_modules/undici/lib/x.js` → `undici/lib/x.js`; own files from `src/` on. */
function shortened(url: string): string {
  return url.replace(/^.*\/node_modules\//, '').replace(/^.*\/(?=(src|test)\/)/, '')
}
