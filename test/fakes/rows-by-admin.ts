/** Rows of one reading statement, by way of the admin port of a running proxy; throws what it says instead. */
export async function rowsByAdmin(adminUrl: string, sql: string): Promise<readonly (readonly unknown[])[]> {
  const answer = await fetch(`${adminUrl}/admin/query?limit=10000`, {
    method: 'POST',
    headers: { 'content-type': 'application/sql' },
    body: sql,
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${text}\n${sql}`)
  const { rows }: { rows: readonly (readonly unknown[])[] } = JSON.parse(text)
  return rows
}
