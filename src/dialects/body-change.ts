import type { Api } from '../domain/request.ts'
import { dropping, type Edit } from './edit-json.ts'
import { type Member, type ScannedObject, scanObject } from './json-scan.ts'

/** One body being changed. */
export type Change = {
  readonly api: Api
  readonly bytes: Buffer
  readonly body: ScannedObject
  /** Members that go, at the top and in `opened`. */
  readonly dropped: Set<Member>
  /** Objects that were looked into, each once, by the member that holds it. */
  readonly opened: Map<Member, ScannedObject>
  readonly edits: Edit[]
  readonly adaptations: string[]
}

/** The edits that are left when what was dropped is gone. */
export function allEdits({ body, dropped, opened, edits }: Change): readonly Edit[] {
  if (dropped.size === 0) return edits
  const drops = [...dropping(body, dropped)]
  for (const [member, object] of opened) if (!dropped.has(member)) drops.push(...dropping(object, dropped))
  // What was changed inside something that then went.
  const kept = edits.filter(({ start, end }) => !drops.some((drop) => drop.start < end && start < drop.end))
  return [...kept, ...drops]
}

/** The object that a member holds, looked into once, so that what is dropped of it goes in one go. */
export function opened({ bytes, opened: known }: Change, member: Member): ScannedObject | undefined {
  const object = known.get(member) ?? scanObject(bytes, member.value.start)
  if (object !== undefined) known.set(member, object)
  return object
}
