// The format of our own tokens: its words, its arithmetic, and the vector that docs/token-format.md publishes.
import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  base62,
  formatMinted,
  looksMinted,
  mint,
  mintedIdFrom,
  parseMinted,
} from '../../src/secrets/minted-format.ts'

/** As docs/token-format.md has it. */
const CONTRACT = /^[a-z][a-z0-9]{1,15}_(live|test)_(key|pat)_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}$/
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

const digits = (length: number) =>
  fc.array(fc.constantFrom(...DIGITS), { minLength: length, maxLength: length }).map(all => all.join(''))
const parts = fc.record({
  prefix: fc.stringMatching(/^[a-z][a-z0-9]{1,15}$/),
  env: fc.constantFrom('live', 'test'),
  kind: fc.constantFrom('key' as const, 'pat' as const),
  id: digits(16),
})
const secret = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => Buffer.from(bytes))

/** The other direction, written down anew. */
const numberOf = (text: string) =>
  [...text].reduce((sum, digit) => sum * 62n + BigInt(DIGITS.indexOf(digit)), 0n)

describe('a minted token', () => {
  it('has the form of the contract, and says its parts', () => {
    fc.assert(
      fc.property(parts, secret, (given, bytes) => {
        const token = formatMinted(given, bytes)
        expect(token).toMatch(CONTRACT)
        expect(parseMinted(token)).toEqual(given)
        expect(looksMinted(token)).toBe(given.kind)
      }),
    )
  })

  it('holds all of its secret, and the CRC-32 of everything before', () => {
    fc.assert(
      fc.property(parts, secret, (given, bytes) => {
        const token = formatMinted(given, bytes)
        const checked = token.slice(0, -6)
        expect(numberOf(checked.slice(-43))).toBe(BigInt(`0x${bytes.toString('hex')}`))
        expect(numberOf(token.slice(-6))).toBe(BigInt(crc32(checked)))
      }),
    )
  })

  it('is refused when one character is another', () => {
    fc.assert(
      fc.property(parts, secret, fc.nat(), fc.constantFrom(...DIGITS), (given, bytes, place, digit) => {
        const token = formatMinted(given, bytes)
        const at = place % token.length
        const other = token.slice(0, at) + digit + token.slice(at + 1)
        fc.pre(other !== token)
        expect(['malformed', undefined]).toContain(parseMinted(other))
      }),
    )
  })

  it('is refused when it is cut, prolonged, or two characters are swapped', () => {
    fc.assert(
      fc.property(parts, secret, fc.nat(), (given, bytes, place) => {
        const token = formatMinted(given, bytes)
        const at = place % (token.length - 1)
        const swapped = token.slice(0, at) + token.charAt(at + 1) + token.charAt(at) + token.slice(at + 2)
        fc.pre(swapped !== token)
        for (const other of [token.slice(0, -1), `${token}0`, ` ${token}`, `${token}\n`, swapped])
          expect(typeof parseMinted(other)).not.toBe('object')
      }),
    )
  })

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(parseMinted(text)).toBeUndefined()
      }),
    )
    for (const text of ['lk_live_key_', 'lk_live_pat_\0', 'lk_live_key__', 'lk_prod_key_0123456789abcdef_x'])
      expect(parseMinted(text)).toBe('malformed')
  })

  it('is made of 256 random bits and an id in the order of time', () => {
    const made = Array.from({ length: 200 }, () => mint({ prefix: 'lk', env: 'live', kind: 'key' }))
    expect(new Set(made.map(({ token }) => token.slice(-49, -6))).size).toBe(200)
    expect(new Set(made.map(({ id }) => id)).size).toBe(200)
    for (const { token, id, last4 } of made) {
      expect(parseMinted(token)).toEqual({ prefix: 'lk', env: 'live', kind: 'key', id })
      expect(token.endsWith(last4)).toBe(true)
    }
    const timed = [1_700_000_000_000n, 1_700_000_000_001n, 1_900_000_000_000n].map(time =>
      base62(time << 47n, 16),
    )
    expect([...timed].sort()).toEqual(timed)
  })

  it('keeps an id that it is given, and has ids for tokens without one', () => {
    const { token, id } = mint({ prefix: 'lk', env: 'test', kind: 'pat', id: '0123456789abcdef' })
    expect([id, parseMinted(token)]).toEqual(['0123456789abcdef', expect.objectContaining({ id })])
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 64 }), bytes => {
        expect(mintedIdFrom(Buffer.from(bytes))).toMatch(/^[0-9A-Za-z]{16}$/)
      }),
    )
  })

  it('is as the documentation shows it', () => {
    const doc = readFileSync(new URL('../../docs/token-format.md', import.meta.url), 'utf8')
    const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => index))
    const token = formatMinted({ prefix: 'lk', env: 'live', kind: 'key', id: '0123456789ABCDEF' }, bytes)
    expect(doc).toContain(`\n${token}\n`)
    expect(doc).toContain(bytes.toString('hex'))
    expect(doc).toContain(`${crc32(token.slice(0, -6))}`)
    const [shown] = /^lk_test_pat_\w+$/m.exec(doc) ?? []
    expect(shown && parseMinted(shown)).toMatchObject({ env: 'test', kind: 'pat' })
  })
})
