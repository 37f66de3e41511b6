// Status lists as the verifier reads them: from an issuer that signs its own, made by the test from the draft's text. Time is
// the test's.
import { afterEach, beforeEach, expect, it, test } from '@jest/globals'
import { createVerifier, Refusal, type VerifierOptions } from '../../src/verifier/verifier.ts'
import { API, claimsFor, type Issuer, type IssuerKey, issuerKey, startIssuer } from '../support/issuer.ts'
import { until } from '../support/process.ts'

const LIST = '/status-lists/one'

let issuer: Issuer
let key: IssuerKey
let clock: number
let reported: unknown[]
const now = () => clock
const pass = (seconds: number) => {
  clock += seconds * 1000
}
beforeEach(async () => {
  clock = Date.now()
  reported = []
  issuer = await startIssuer(now)
  key = await issuerKey()
  issuer.publish([key], { 'cache-control': 'max-age=600', etag: '"1"' })
})
afterEach(() => issuer.close())

const verifierOf = (options: Partial<VerifierOptions> = {}) =>
  createVerifier({
    issuer: issuer.issuer,
    resource: API,
    now,
    report: error => void reported.push(error),
    ...options,
  })

const tokenOf = (claims: object = {}) => key.sign('at+jwt', { ...claimsFor(issuer.issuer, clock), ...claims })

/** 'ok', or the code of the refusal. */
const outcome = (verifier: ReturnType<typeof createVerifier>, token: string): Promise<string> =>
  verifier.verify(new Request(API, { headers: { authorization: `Bearer ${token}` } })).then(
    () => 'ok',
    (error: unknown) => {
      if (error instanceof Refusal) return error.code
      throw error
    },
  )

const asked = (path: string) => issuer.asked.get(path) ?? 0

const status = (idx: number, uri = `${issuer.issuer}${LIST}`) => ({ status: { status_list: { idx, uri } } })

test('a token whose bit is set is refused, its neighbours are not', async () => {
  await issuer.putList(key, [0, 9, 999])
  const verifier = verifierOf()
  for (const [idx, code] of [
    [0, 'invalid_token'],
    [1, 'ok'],
    [8, 'ok'],
    [9, 'invalid_token'],
    [10, 'ok'],
    [998, 'ok'],
    [999, 'invalid_token'],
    [1000, 'invalid_token'],
    [2 ** 40, 'invalid_token'],
  ] as const)
    expect([idx, await outcome(verifier, await tokenOf(status(idx)))]).toEqual([idx, code])
  expect(asked(LIST)).toBe(1)
})

test('the example of the draft, with one and with two bits', async () => {
  // draft-ietf-oauth-status-list, section 4.1: 16 entries, and 12 of two bits.
  const ones = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
  const twos = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
  for (const [bits, lst, expected] of [
    [1, 'eNrbuRgAAhcBXQ', ones],
    [2, 'eNo76fITAAPfAgc', twos],
  ] as const) {
    await issuer.putList(key, [], { status_list: { bits, lst } })
    const verifier = verifierOf()
    const found = []
    for (const idx of expected.keys()) found.push(await outcome(verifier, await tokenOf(status(idx))))
    expect(found).toEqual(expected.map(value => (value === 0 ? 'ok' : 'invalid_token')))
  }
})

test('a token that is revoked later is refused within the ttl, without anybody waiting', async () => {
  await issuer.putList(key, [])
  const verifier = verifierOf()
  const token = await tokenOf(status(7))
  expect(await outcome(verifier, token)).toBe('ok')
  await issuer.putList(key, [7])
  pass(29)
  expect(await outcome(verifier, token)).toBe('ok')
  expect(asked(LIST)).toBe(1)
  pass(1)
  await until('the list is renewed', async () => (await outcome(verifier, token)) === 'invalid_token')
  expect(asked(LIST)).toBe(2)
})

test('a list whose ttl is over is asked for first', async () => {
  await issuer.putList(key, [])
  const verifier = verifierOf()
  const token = await tokenOf(status(7))
  expect(await outcome(verifier, token)).toBe('ok')
  pass(60)
  await issuer.putList(key, [7])
  expect(await outcome(verifier, token)).toBe('invalid_token')
})

test('told of a revocation: at once; and without the new list nobody is let in', async () => {
  await issuer.putList(key, [])
  const verifier = verifierOf()
  const token = await tokenOf(status(7))
  pass(1)
  expect(await outcome(verifier, token)).toBe('ok')
  await issuer.putList(key, [7])
  verifier.forget()
  pass(1)
  expect(await outcome(verifier, token)).toBe('invalid_token')
  expect(await outcome(verifier, await tokenOf(status(8)))).toBe('ok')
  issuer.down()
  verifier.forget()
  pass(1)
  expect(await outcome(verifier, token)).toBe('temporarily_unavailable')
})

test('while it cannot be had the old one counts until its exp, then nobody is let in', async () => {
  await issuer.putList(key, [8])
  const verifier = verifierOf()
  const [good, bad] = [await tokenOf(status(7)), await tokenOf(status(8))]
  expect(await outcome(verifier, good)).toBe('ok')
  issuer.down()
  pass(295)
  expect([await outcome(verifier, good), await outcome(verifier, bad)]).toEqual(['ok', 'invalid_token'])
  pass(6)
  expect(await outcome(verifier, good)).toBe('temporarily_unavailable')
  issuer.up()
  await issuer.putList(key, [8])
  pass(2)
  expect([await outcome(verifier, good), await outcome(verifier, bad)]).toEqual(['ok', 'invalid_token'])
})

it.each<[string, () => Promise<unknown>]>([
  ['is not there', async () => issuer.at.delete(LIST)],
  ['is of another address', () => issuer.putList(key, [], { sub: 'https://other.example.com/one' })],
  ['is signed by somebody else', async () => issuer.putList(await issuerKey('ES256', key.kid), [])],
  ['has expired', () => issuer.putList(key, [], { exp: Math.floor(clock / 1000) - 1 })],
  ['is of another type', async () => issuer.at.set(LIST, { body: await tokenOf({ sub: LIST }) })],
  ['is not compressed', () => issuer.putList(key, [], { status_list: { bits: 1, lst: 'AAAA' } })],
  ['has three bits', () => issuer.putList(key, [], { status_list: { bits: 3, lst: 'eNrbuRgAAhcBXQ' } })],
  ['is endless', () => issuer.putList(key, [], { size: 8 * 5 * 1024 * 1024 })],
  ['has no list', () => issuer.putList(key, [], { status_list: undefined })],
])('a list that %s lets nobody in: 503', async (_, spoil) => {
  await issuer.putList(key, [])
  await spoil()
  expect(await outcome(verifierOf(), await tokenOf(status(1)))).toBe('temporarily_unavailable')
  expect(reported.length).toBeGreaterThan(0)
})

it.each<[string, unknown]>([
  ['elsewhere', { status_list: { idx: 1, uri: 'https://other.example.com/status-lists/one' } }],
  ['at an address that begins alike', { status_list: { idx: 1, uri: 'http://127.0.0.1' } }],
  ['without an index', { status_list: { uri: 'same' } }],
  ['with a negative index', { status_list: { idx: -1, uri: 'same' } }],
  ['with half an index', { status_list: { idx: 0.5, uri: 'same' } }],
  ['of another mechanism only', { other: {} }],
  ['null', null],
])('a reference that cannot be followed, %s: refused, nobody is asked', async (_, given) => {
  await issuer.putList(key, [])
  const uri = `${issuer.issuer}${LIST}`
  const claim = JSON.parse(JSON.stringify(given).replace('"same"', JSON.stringify(uri)))
  expect(await outcome(verifierOf(), await tokenOf({ status: claim }))).toBe('invalid_token')
  expect(asked(LIST)).toBe(0)
})

test('without a reference: as the API has decided', async () => {
  expect(await outcome(verifierOf(), await tokenOf())).toBe('ok')
  const strict = verifierOf({ requireStatus: true })
  expect(await outcome(strict, await tokenOf())).toBe('invalid_token')
  await issuer.putList(key, [])
  expect(await outcome(strict, await tokenOf(status(1)))).toBe('ok')
})
