import { type Member, type ScannedObject, skipString } from './json-scan.ts'

/** Bytes [start, end) that become `text`. */
export type Edit = { readonly start: number; readonly end: number; readonly text: string }

/** `bytes` with edits that do not overlap, in any order; the very same buffer when there are none. */
export function edited(bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return bytes
  const pieces: Buffer[] = []
  let at = 0
  for (const { start, end, text } of edits.toSorted((a, b) => a.start - b.start)) {
    pieces.push(bytes.subarray(at, start), Buffer.from(text))
    at = end
  }
  return Buffer.concat([...pieces, bytes.subarray(at)])
}

/** Renames a member, what stands between its key and its value kept. */
export function renaming(bytes: Buffer, member: Member, key: string): Edit {
  return { start: member.start, end: skipString(bytes, member.start), text: JSON.stringify(key) }
}

export function replacing({ value }: Member, text: string): Edit {
  return { ...value, text }
}

/** Takes members out with one comma each, as many as are neighbours in one piece. */
export function dropping({ members }: ScannedObject, dropped: ReadonlySet<Member>): readonly Edit[] {
  const edits: Edit[] = []
  let kept: Member | undefined
  for (let i = 0; i < members.length; i++) {
    const first = members[i]
    if (first === undefined || !dropped.has(first)) {
      kept = first
      continue
    }
    while (i + 1 < members.length && dropped.has(members[i + 1] ?? first)) i++
    const end = members[i]?.value.end ?? first.value.end
    // Behind what is kept the comma before goes; at the very beginning the one after.
    if (kept !== undefined) edits.push({ start: kept.value.end, end, text: '' })
    else edits.push({ start: first.start, end: members[i + 1]?.start ?? end, text: '' })
  }
  return edits
}
