// The simple profile without a key: what is signed, and whose an X-API-Key is.
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { readSimpleSignature, simpleBase } from '../../src/credentials/simple-signature.ts'
import { describeRequest } from '../../src/http/request-view.ts'
import { claimants } from './claims.ts'

const parts = fc.record({
  method: fc.stringMatching(/^[A-Z]{1,8}$/),
  host: fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}(:8\d{3})?$/),
  target: fc.stringMatching(/^\/[\w.~%/!$&'()*+,;=:@-]{0,20}(\?[\w.~%/?=&-]{0,12})?$/),
  timestamp: fc.stringMatching(/^[1-9]\d{0,11}$/),
  nonce: fc.stringMatching(/^[\x21-\x7e]{0,64}$/),
  hash: fc.stringMatching(/^[0-9a-f]{64}$/),
})
type Parts = typeof parts extends fc.Arbitrary<infer T> ? T : never

const baseOf = ({ method, host, target, timestamp, nonce, hash }: Parts) =>
  simpleBase({ method, url: `https://${host}${target}` }, { timestamp, nonce }, hash)

describe('what is signed', () => {
  it('has a line for each part, whatever the request', () => {
    fc.assert(
      fc.property(parts, one => {
        const { method, host, target, timestamp, nonce, hash } = one
        expect(baseOf(one)).toBe(['v1', method, host, target, timestamp, nonce, hash].join('\n'))
      }),
    )
  })

  it('differs when any part does', () => {
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(baseOf(one) === baseOf(other)).toBe(JSON.stringify(one) === JSON.stringify(other))
      }),
    )
  })
})

const read = (headers: Record<string, string>) =>
  readSimpleSignature(
    describeRequest({ method: 'GET', url: 'https://api.example.com/', headers: Object.entries(headers) }),
  )

const GOOD = { 'X-API-Key': '0123456789abcdef', 'X-Timestamp': '1700000000', 'X-Signature': 'aB'.repeat(32) }

describe('what the headers say', () => {
  it('is read', () => {
    expect(read(GOOD)).toEqual({
      ...{ keyId: '0123456789abcdef', timestamp: '1700000000', nonce: '', bodyHash: undefined },
      signature: Buffer.alloc(32, 0xab),
    })
    const hash = 'EF'.repeat(32)
    expect(read({ ...GOOD, 'X-Nonce': '~!', 'X-Content-SHA256': hash })).toMatchObject({
      ...{ nonce: '~!', bodyHash: hash.toLowerCase() },
    })
  })

  it.each<[string, Record<string, string>]>([
    ['no id', { 'X-API-Key': '' }],
    ['a time with a fraction', { 'X-Timestamp': '1700000000.5' }],
    ['a time with a sign', { 'X-Timestamp': '+1700000000' }],
    ['a time with zeros in front', { 'X-Timestamp': '01700000000' }],
    ['a time that is none', { 'X-Timestamp': '2026-01-01T00:00:00Z' }],
    ['a nonce beyond ASCII', { 'X-Nonce': 'é' }],
    ['a nonce with a tab', { 'X-Nonce': 'a\tb' }],
    ['a signature in base64', { 'X-Signature': `${'A'.repeat(43)}=` }],
    ['a long signature', { 'X-Signature': 'ab'.repeat(33) }],
    ['a hash that is none', { 'X-Content-SHA256': 'none' }],
  ])('is refused: %s', (_what, more) => {
    expect(read({ ...GOOD, ...more })).toEqual({ mistake: expect.any(String) })
  })
})

it('an X-API-Key is claimed once, whatever stands beside it', () => {
  const text = fc.oneof(
    fc.stringMatching(/^[\x20-\x7e]{0,20}$/),
    fc.constantFrom(
      'lk_live_key_0123456789abcdef_secret',
      'lk_live_pat_0123456789abcdef_secret',
      '0123456789abcdef',
    ),
  )
  const maybe = fc.option(text, { nil: undefined })
  const headers = fc.record({ key: text, signature: maybe, timestamp: maybe, nonce: maybe, hash: maybe })
  fc.assert(
    fc.property(headers, ({ key, signature, timestamp, nonce, hash }) => {
      const sent = {
        ...{ 'x-api-key': key, 'x-signature': signature, 'x-timestamp': timestamp, 'x-nonce': nonce },
        'x-content-sha256': hash,
      }
      const present = Object.fromEntries(
        Object.entries(sent).filter((entry): entry is [string, string] => entry[1] !== undefined),
      )
      expect(claimants(present)).toHaveLength(1)
    }),
  )
})
