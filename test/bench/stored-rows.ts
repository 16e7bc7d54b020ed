import { z } from 'zod'
import type { Standing } from './stage.ts'

const Answer = z.object({ rows: z.tuple([z.tuple([z.coerce.number()])]) })

/** How many requests a proxy has as rows that can be queried, asked as a person would: over its admin port. */
export async function storedRows({ adminPort }: Standing): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/admin/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/sql' },
    body: 'SELECT count() FROM traces',
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`rows could not be counted: ${text}`)
  return Answer.parse(JSON.parse(text)).rows[0][0]
}
