import type { IncomingHttpHeaders } from 'node:http'
import { promptFacts } from '../dialects/prompt-facts.ts'
import type { LlmRequest } from '../domain/request.ts'
import type { Facts } from '../domain/routing/facts.ts'
import type { Pin } from '../domain/routing/pins.ts'
import { readFacts } from '../domain/routing/read-facts.ts'
import type { Router } from '../domain/routing/router.ts'
import type { EpochMs } from '../domain/units.ts'

/**
 * All that routing knows of a request whose (decoded) body is `body`; the prompt is read only where the policy asks. `pin`:
 * of the answer that it goes on from.
 */
export function requestFacts(
  request: LlmRequest,
  headers: IncomingHttpHeaders,
  body: Buffer,
  router: Router,
  at: EpochMs,
  pin?: Pin,
): Facts {
  const { reads } = router
  const isRead = reads !== undefined && request.shape.unreadable === undefined
  const prompt = isRead ? promptFacts(request.api, body, reads) : undefined
  return readFacts(request, (name) => firstOf(headers[name]), prompt, router, at, pin)
}

function firstOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0]
}
