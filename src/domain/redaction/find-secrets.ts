import type { Rule, Span } from './span.ts'

// Every pattern is a literal, then runs of one class each, so that no two parts of it can share a text in two ways: a
// failed try costs no more than the run it has read, and the next try begins behind that run's own beginning.

/** Keys with a prefix of their own. Sources: the secret-scanning lists of GitHub and gitleaks, the providers' own docs. */
const PREFIXED: readonly RegExp[] = [
  // OpenAI, Anthropic, DeepSeek, OpenRouter; Groq, xAI, Hugging Face, Replicate, Perplexity, Together, NVIDIA, Fireworks.
  /(?<![A-Za-z0-9])sk-[\w-]{16,}/g,
  /(?<![A-Za-z0-9])(?:gsk_|xai-|hf_|r8_|pplx-|tgp_v1_|nvapi-|fw_)[\w-]{20,}/g,
  // Google: API key, OAuth token, OAuth client secret.
  /AIza[\w-]{30,}/g,
  /(?<![A-Za-z0-9])(?:ya29\.|GOCSPX-)[\w-]{20,}/g,
  // AWS access key id.
  /(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])/g,
  // GitHub, GitLab, Slack, Stripe, npm, PyPI, DigitalOcean, Databricks, Vault, Shopify.
  /(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,})/g,
  /(?:xox[abeoprs]-|xapp-)[A-Za-z0-9-]{10,}/g,
  /hooks\.slack\.com\/(?:services|workflows)\/[\w/]{20,}/g,
  /(?<![A-Za-z0-9])(?:(?:sk|rk|pk)_(?:live|test)_|whsec_)[A-Za-z0-9]{16,}/g,
  /(?<![A-Za-z0-9])(?:npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}|do[opr]_v1_[0-9a-f]{32,}|dapi[0-9a-f]{32}|hvs\.[\w-]{20,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32})/g,
  // SendGrid, Telegram, Twilio.
  /(?<![\w.])SG\.[\w-]{16,64}\.[\w-]{16,}/g,
  /(?<!\d)\d{8,10}:[\w-]{35}(?![\w-])/g,
  /(?<![A-Za-z0-9])(?:AC|SK)[0-9a-f]{32}(?![0-9a-f])/g,
]

/** A value that its name gives away. The value is the first group. */
const NAMED: readonly RegExp[] = [
  /(?:api[-_ ]?key|access[-_]?key|access[-_]?token|refresh[-_]?token|client[-_]?secret|auth[-_]?token|AccountKey|SharedAccessKey)["'\\]{0,2}[ \t]{0,4}[:=][ \t]{0,4}["'\\]{0,2}([\w+/.~=-]{16,})/gi,
  /:\/\/[^\s/:@]{0,64}:([^\s/@]{3,256})@/g,
]
const AUTHORIZATION = /(?<![A-Za-z0-9])(?:bearer|basic)[ \t]{1,8}([\w.~+/=-]{16,})/gi

/** API keys, tokens and passwords in addresses, by the shapes of those who issue them. */
export const findSecrets: Rule = (text) => {
  const spans: Span[] = []
  for (const pattern of PREFIXED) {
    for (const match of text.matchAll(pattern)) {
      // Words joined by dashes (`sk-learn-pipeline-of-mine`) are none.
      if (/\d/.test(match[0])) spans.push({ from: match.index, to: match.index + match[0].length, kind: 'api_key' })
    }
  }
  for (const pattern of NAMED) pushGroups(spans, text, pattern, 'secret')
  pushGroups(spans, text, AUTHORIZATION, 'bearer')
  return spans
}

function pushGroups(spans: Span[], text: string, pattern: RegExp, kind: string): void {
  for (const match of text.matchAll(pattern)) {
    const value = match[1] ?? ''
    // `bearer responsibilities` and `api_key: your_api_key_here` are words: neither digits nor capitals inside.
    if (!/\d|[a-z][A-Z]/.test(value)) continue
    const from = match.index + match[0].lastIndexOf(value)
    spans.push({ from, to: from + value.length, kind })
  }
}

/** JSON Web Tokens, signed or encrypted: base64 of `{"` begins with `eyJ`, and dots follow. */
export const findTokens: Rule = (text) => {
  if (!text.includes('eyJ')) return [] // the pattern below looks at every word
  const spans: Span[] = []
  for (const match of text.matchAll(/[\w.-]{20,}/g)) {
    const start = match[0].indexOf('eyJ')
    if (start < 0) continue
    const [header = '', payload = ''] = match[0].slice(start).split('.', 2)
    if (header.length < 10 || payload.length < 4) continue
    const end = match[0].replace(/(?<!\.)\.{1,3}$/, '').length
    spans.push({ from: match.index + start, to: match.index + end, kind: 'jwt' })
  }
  return spans
}

const KEY_BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g
const KEY_END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/y
/** What is inside: base64, headers such as `Proc-Type: 4,ENCRYPTED`, and line breaks, written as such or escaped. */
const KEY_BODY = /[\w+/=:;,.()\s\\-]+/y

/** Private keys in PEM and PGP armour. One that is cut off goes as far as its base64 does. */
export const findPrivateKeys: Rule = (text) => {
  const spans: Span[] = []
  for (const match of text.matchAll(KEY_BEGIN)) {
    const bodyAt = match.index + match[0].length
    const dashesAt = text.indexOf('-----', bodyAt)
    KEY_BODY.lastIndex = 0
    const body = KEY_BODY.exec(text.slice(bodyAt, dashesAt < 0 ? undefined : dashesAt))?.[0].length ?? 0
    KEY_END.lastIndex = bodyAt + body
    const end = KEY_END.exec(text)?.[0].length ?? 0
    spans.push({ from: match.index, to: bodyAt + body + end, kind: 'private_key' })
  }
  return spans
}
