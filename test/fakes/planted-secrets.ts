import fc from 'fast-check'

const chars = (alphabet: string, min: number, max = min): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...alphabet.split('')), { minLength: min, maxLength: max }).map((picked) => picked.join(''))
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const LOWER = UPPER.toLowerCase()
const DIGITS = '0123456789'
const WORD = UPPER + LOWER + DIGITS
const HEX = `${DIGITS}abcdef`
/** Random keys have digits; so that short ones here do too, one is put in. */
const key = (prefix: string, length: number, alphabet = WORD): fc.Arbitrary<string> =>
  chars(alphabet, length).map((text) => `${prefix}7${text}`)

const luhn = (digits: string): string => {
  const sum = Array.from(`${digits}0`)
    .reverse()
    .map((digit, index) => (index % 2 === 0 ? Number(digit) : Number(digit) * 2))
    .reduce((total, value) => total + (value > 9 ? value - 9 : value), 0)
  return digits + String((10 - (sum % 10)) % 10)
}
const grouped = (text: string, size: number, separator: string): string =>
  text.match(new RegExp(`.{1,${size}}`, 'g'))?.join(separator) ?? text

const card = fc
  .tuple(fc.constantFrom('4', '51', '34', '6011', '3528'), chars(DIGITS, 16), fc.constantFrom('', ' ', '-'))
  .map(([start, rest, separator]) => grouped(luhn((start + rest).slice(0, start === '34' ? 14 : 15)), 4, separator))

const iban = fc
  .tuple(fc.constantFrom('DE', 'GB', 'FR', 'NL'), chars(UPPER + DIGITS, 14, 24), fc.constantFrom('', ' '))
  .map(([country, account, separator]) => {
    const number = Array.from(`${account}${country}00`, (character) => Number.parseInt(character, 36)).join('')
    const check = String(98n - (BigInt(number) % 97n)).padStart(2, '0')
    return grouped(country + check + account, 4, separator)
  })

const base64Url = (bytes: number): fc.Arbitrary<string> => chars(`${WORD}-_`, bytes)
const jwt = fc
  .tuple(base64Url(20), base64Url(60), base64Url(43))
  .map(([header, payload, signature]) => `eyJ${header}.eyJ${payload}.${signature}`)

const privateKey = fc
  .tuple(fc.constantFrom('', 'RSA ', 'EC ', 'OPENSSH '), chars(`${WORD}+/`, 200))
  .map(
    ([kind, body]) =>
      `-----BEGIN ${kind}PRIVATE KEY-----\n${grouped(body, 64, '\n')}\n-----END ${kind}PRIVATE KEY-----`,
  )

const email = fc
  .tuple(chars(LOWER + DIGITS, 1, 12), chars(LOWER, 2, 10), fc.constantFrom('com', 'co.uk', 'example', 'de'))
  .map(([local, host, end]) => `${local}.x@${host}.${end}`)

const phone = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('+49', '+1', '+44', '0049'),
      chars('123456789', 1),
      chars(DIGITS, 9),
      fc.constantFrom('', ' ', '-'),
    )
    .map(([country, first, rest, separator]) => `${country}${separator}${grouped(first + rest, 3, separator)}`),
  fc
    .tuple(chars('23456789', 1), chars(DIGITS, 2), chars('23456789', 1), chars(DIGITS, 2), chars(DIGITS, 4))
    .map(([a, b, c, d, e]) => `(${a}${b}) ${c}${d}-${e}`),
)

/** Things that must not be stored: the text as it is planted, and the part of it that may show up nowhere. */
export type Planted = { readonly text: string; readonly secret: string; readonly kind: string }

const planted = (kind: string, texts: fc.Arbitrary<string>, around = ['', '']): fc.Arbitrary<Planted> =>
  texts.map((secret) => ({ text: `${around[0]}${secret}${around[1]}`, secret, kind }))

/** One of every kind that is found without being told. */
export const anyPlanted: fc.Arbitrary<Planted> = fc.oneof(
  planted(
    'api_key',
    fc.oneof(
      key('sk-proj-', 40),
      key('sk-ant-api03-', 60),
      key('gsk_', 40),
      key('xai-', 40),
      key('hf_', 34),
      key('AIzaSy', 33),
      chars(UPPER + DIGITS, 15).map((text) => `AKIA7${text}`),
      key('ghp_', 36),
      key('github_pat_', 40),
      key('glpat-', 20),
      key('xoxb-', 30, `${DIGITS}-`),
      key('sk_live_', 24),
      key('npm_', 36),
      chars(HEX, 31).map((text) => `AC7${text}`),
      key('hvs.', 24),
    ),
  ),
  planted('bearer', key('', 30), ['Authorization: Bearer ', '']),
  planted('secret', key('', 32), ['api_key=', '']),
  planted('secret', key('', 12), ['postgres://app:', '@db.internal/x']),
  planted('jwt', jwt),
  planted('private_key', privateKey),
  planted('email', email),
  planted('card', card),
  planted('iban', iban),
  planted('phone', phone),
)

/** What people write that holds none of it. */
export const ordinaryText: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom(
      'The invoice of 2026-11-20 over 1,234.56 EUR is due at 14:30.',
      'const total = items.reduce((sum, item) => sum + item.price, 0)',
      'See https://example.com/docs/v2?page=3#section-4 and section 12.4.1.',
      'Version 24.18.0 on 127.0.0.1:8787 with 64 MB.',
      'risk-assessment-framework-of-a-desk-management-system',
      'pip install sk-learn-pipeline-tools; the bearer responsibilities are his.',
      'api_key: your_api_key_here_please',
      'π ≈ 3.141592653589793, 0.4532015112830366',
      'Order 12345, room 4B, 10 % off, id 0199a0b0-0000-7000-8000-000000000001.',
      '日本語のテキスト。Ünïcödé, 😀 and “quotes”.',
      'C:\\Users\\new\\table and a 50%20 split',
      '@mention and @Injectable() and git@ and user@localhost',
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((sentences) => sentences.join(' '))
