import { expect, test } from 'vitest'
import { formatDurationMs, parseDurationMs } from '../../src/config/duration.ts'
import { scaleDecimal } from '../../src/config/exact-decimal.ts'
import { interpolate } from '../../src/config/interpolate.ts'
import { formatListen, isLoopback, parseListen } from '../../src/config/listen-address.ts'
import { nearest } from '../../src/config/nearest.ts'
import { policyVersion } from '../../src/config/policy-version.ts'
import { formatSizeBytes, parseSizeBytes } from '../../src/config/size.ts'

test('durations are whole numbers with a unit', () => {
  expect(['500ms', '30s', '10m', '2h', '7d', '0ms'].map(parseDurationMs)).toEqual([
    500, 30_000, 600_000, 7_200_000, 604_800_000, 0,
  ])
})

test('anything that leaves the unit of a duration open is refused', () => {
  const refused = ['', '30', 's', '1.5s', '-1s', '30 s', '30S', '1h30m', '1w', '30s ', '999999999999d', '0x1s', '1e3s']
  expect(refused.filter((text) => parseDurationMs(text) !== undefined)).toEqual([])
})

test('durations are written in the largest unit that is exact', () => {
  expect([0, 1, 1_500, 90_000, 600_000, 86_400_000].map(formatDurationMs)).toEqual([
    '0ms',
    '1ms',
    '1500ms',
    '90s',
    '10m',
    '1d',
  ])
})

test('MB is a power of 1000 and MiB one of 1024, exactly', () => {
  expect(['64MB', '64MiB', '1.5GB', '0.5KiB', '1.1GB', '12B', '1TB'].map(parseSizeBytes)).toEqual([
    64_000_000, 67_108_864, 1_500_000_000, 512, 1_100_000_000, 12, 1_000_000_000_000,
  ])
})

test('anything that leaves the size open is refused', () => {
  const refused = ['', '64', 'MB', '64mb', '64M', '-1MB', '1.MB', '.5MB', '0.3B', '1.2.3MB', '64 MB', '99999999TB']
  expect(refused.filter((text) => parseSizeBytes(text) !== undefined)).toEqual([])
})

test('sizes are written in the largest unit that is exact', () => {
  expect([0, 1, 64_000_000, 67_108_864, 1_500].map(formatSizeBytes)).toEqual(['0B', '1B', '64MB', '64MiB', '1500B'])
})

test('decimals are scaled without floating point', () => {
  expect(scaleDecimal('0.1', 10n)).toBe(1n)
  expect(scaleDecimal('1.1', 1_000_000_000n)).toBe(1_100_000_000n)
  expect(scaleDecimal('2.5000001', 1_000_000n)).toBeUndefined()
  expect(scaleDecimal('1e3', 10n)).toBeUndefined()
  expect(scaleDecimal('-1', 10n)).toBeUndefined()
})

test('addresses to listen on have a host and a port', () => {
  expect(parseListen('127.0.0.1:8787')).toEqual({ host: '127.0.0.1', port: 8787 })
  expect(parseListen('[::1]:0')).toEqual({ host: '::1', port: 0 })
  expect(parseListen('my-host.example:65535')).toEqual({ host: 'my-host.example', port: 65_535 })
  const refused = [
    '8787',
    ':8787',
    '127.0.0.1',
    '127.0.0.1:',
    '::1:8787',
    '1.2.3:80',
    '1.2.3.4:65536',
    'a b:1',
    '-a:1',
    '[x]:1',
    '[1.2.3.4]:80',
  ]
  expect(refused.filter((text) => parseListen(text) !== undefined)).toEqual([])
})

test('an address is written as it is read', () => {
  for (const text of ['127.0.0.1:8787', '[::1]:8787', 'localhost:1']) {
    const listen = parseListen(text)
    expect(listen && formatListen(listen)).toBe(text)
  }
})

test('only addresses that no other machine can reach are loopback', () => {
  expect(
    ['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1'].filter(
      (host) => !isLoopback(host),
    ),
  ).toEqual([])
  expect(
    ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', 'localhost.example', '128.0.0.1', '1127.0.0.1'].filter(
      isLoopback,
    ),
  ).toEqual([])
})

test('a slip finds the key that was meant, and another word finds none', () => {
  const known = ['listen', 'admin', 'base_url', 'api_key', 'timeouts']
  expect(['lisen', 'baseURL', 'apikey', 'api-key', 'timeout', 'Admin'].map((word) => nearest(word, known))).toEqual([
    'listen',
    'base_url',
    'api_key',
    'api_key',
    'timeouts',
    'admin',
  ])
  expect(nearest('colour', known)).toBeUndefined()
})

test('variables are replaced, defaults stand in for unset and empty ones', () => {
  const environment = { HOST: 'db', EMPTY: '' }
  const texts = ['http://${HOST}:${PORT:-8123}/', '${EMPTY:-none}', '${UNSET:-}', 'plain $HOST {HOST}']
  expect(texts.map((text) => interpolate(text, environment).text)).toEqual([
    'http://db:8123/',
    'none',
    '',
    'plain $HOST {HOST}',
  ])
})

test('$${ stands for ${', () => {
  expect(interpolate('a $${HOST} b', { HOST: 'x' }).text).toBe('a ${HOST} b')
})

test('a value is not interpolated again', () => {
  expect(interpolate('${A}', { A: '${B}', B: 'secret' }).text).toBe('${B}')
})

test('only names that the environment itself holds are variables', () => {
  expect(interpolate('${constructor}', {}).faults).toHaveLength(1)
})

test('it is known which variables a text came from', () => {
  expect(interpolate('${A}${B:-x}${C:-y}', { A: '1', C: '2' }).variables).toEqual(['A', 'C'])
})

test('the version of a policy is the beginning of the SHA-256 of its bytes', () => {
  // printf abc | sha256sum
  expect(policyVersion(Buffer.from('abc'))).toBe('ba7816bf8f01cfea')
})
