import type { z } from 'zod'
import { leaf, quote, type Reading } from './leaf.ts'

/** What people paste from a provider's documentation: the API's root or one of its endpoints. */
const API_PATH =
  /\/v1(?:\/(?:chat\/completions|completions|responses|embeddings|messages))?$|\/v1(?:alpha|beta)?(?:\/models)?$/

/** Where a provider is: origin and path prefix, without a slash at the end. */
export function baseUrl(): z.ZodType<URL> {
  return leaf(readBaseUrl, { show: showUrl, json: { type: 'string' } })
}

/** Where a ClickHouse server is. */
export function storeUrl(): z.ZodType<URL> {
  return leaf((value) => readUrl(value, 'http://clickhouse:8123'), { show: showUrl, json: { type: 'string' } })
}

function readBaseUrl(value: unknown): Reading<URL> {
  const reading = readUrl(value, 'https://api.openai.com')
  if ('expected' in reading) return reading
  const path = reading.value.pathname.replace(/\/+$/, '')
  if (API_PATH.test(path)) {
    return {
      expected: `a URL without ${API_PATH.exec(path)?.[0]} at the end, because the client's own path supplies it`,
    }
  }
  const url = new URL(reading.value)
  url.pathname = path
  return { value: url }
}

function readUrl(value: unknown, example: string): Reading<URL> {
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return { expected: `an http or https URL such as ${example}` }
  }
  if (url.username !== '' || url.password !== '') {
    return { expected: 'a URL without a user name or password in it (keys have a place of their own)' }
  }
  // An empty query or fragment parses to '' but would still be a mark in the text.
  if (url.search !== '' || url.hash !== '' || /[?#]/.test(String(value))) {
    return { expected: `a URL without a query or fragment, such as ${example}` }
  }
  return { value: url }
}

/** Scheme, host and path; nothing of what may hold a key: a user part, a query, a text that is no address at all. */
function showUrl(text: string): string | undefined {
  // URL.parse drops line breaks, and a text of several lines may have swallowed a key.
  if (/\s/.test(text)) return undefined
  const url = URL.parse(text)
  if (url === null) return /^[\w-]+([.:/][\w-]+)+\/?$/.test(text) && text.length <= 60 ? quote(text) : undefined
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return /^(ftp|file|ws|wss|tcp|clickhouse|localhost):/.test(url.protocol) ? quote(`${url.protocol}…`) : undefined
  }
  const user = url.username === '' && url.password === '' ? '' : '…@'
  const rest = url.search === '' && url.hash === '' ? '' : '?…'
  return quote(`${url.protocol}//${user}${url.host}${url.pathname}${rest}`)
}
