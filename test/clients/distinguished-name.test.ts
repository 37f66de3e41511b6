// Names as people and OpenSSL write them, and what they mean.
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { isSameName, parseDistinguishedName } from '../../src/clients/distinguished-name.ts'
import { subjectOf } from '../../src/http/certificate-names.ts'
import type { DistinguishedName } from '../../src/http/certificate-parts.ts'
import { createSelfSigned } from '../support/certificates.ts'

const cn = (value: string) => ({ type: '2.5.4.3', value })
const o = (value: string) => ({ type: '2.5.4.10', value })
const c = (value: string) => ({ type: '2.5.4.6', value })

describe('a name as text', () => {
  it.each<[string, DistinguishedName]>([
    ['CN=billing', [[cn('billing')]]],
    ['CN=billing,O=Acme,C=DE', [[c('DE')], [o('Acme')], [cn('billing')]]],
    ['cn = billing , O = Acme', [[o('Acme')], [cn('billing')]]],
    ['2.5.4.3=billing', [[cn('billing')]]],
    ['CN=billing+O=Acme', [[cn('billing'), o('Acme')]]],
    [String.raw`CN=a\,b\+c\"d\\e\<f\>g\;h\=i`, [[cn('a,b+c"d\\e<f>g;h=i')]]],
    [String.raw`CN=a\2Cb`, [[cn('a,b')]]],
    [String.raw`CN=L\C3\BCbeck`, [[cn('Lübeck')]]],
    [String.raw`CN=\ a\ `, [[cn(' a ')]]],
    ['CN=  two  words  ', [[cn('two  words')]]],
    [String.raw`CN=\#1`, [[cn('#1')]]],
    ['CN=a=b', [[cn('a=b')]]],
    ['CN=日本', [[cn('日本')]]],
  ])('%s', (text, expected) => {
    expect(parseDistinguishedName(text)).toEqual(expected)
  })

  it.each([
    ['/C=DE/O=Acme, Inc./CN=billing', [[c('DE')], [o('Acme, Inc.')], [cn('billing')]]],
    ['/O=Lübeck "x" <Co>;/CN=#a\\+b', [[o('Lübeck "x" <Co>;')], [cn('#a+b')]]],
    ['/O=\\/CN=x', [[o('/CN=x')]]],
  ] as const)('as OpenSSL writes the subject of a certificate: %s', (subject, expected) => {
    const { cert, der } = createSelfSigned({ subject })
    const written = execFileSync(
      'openssl',
      ['x509', '-noout', '-subject', '-nameopt', 'RFC2253,-esc_msb,utf8'],
      { input: cert, encoding: 'utf8' },
    )
    const name = parseDistinguishedName(written.replace(/^subject=/, '').trimEnd())
    expect(typeof name === 'string' ? name : isSameName(name, expected)).toBe(true)
    expect(isSameName(subjectOf({ der }), expected)).toBe(true)
  })

  it('whatever is escaped comes back', () => {
    const value = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter(text => !text.includes('\0'))
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), values => {
        const text = values
          .map(
            one =>
              `CN=${[...Buffer.from(one)].map(byte => `\\${byte.toString(16).padStart(2, '0')}`).join('')}`,
          )
          .reverse()
          .join(',')
        expect(parseDistinguishedName(text)).toEqual(values.map(one => [cn(one)]))
      }),
    )
  })

  it('any text is read or refused with a sentence, at once', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 1000 }), text => {
        const read = parseDistinguishedName(text)
        expect(typeof read === 'string' ? read.length : read.length).toBeGreaterThan(0)
      }),
    )
    expect(parseDistinguishedName(`CN=${' '.repeat(100_000)}"`)).toMatch(/cannot be read/)
  })
})

describe('the same name', () => {
  const same = (one: string, other: string) => {
    const [a, b] = [parseDistinguishedName(one), parseDistinguishedName(other)]
    if (typeof a === 'string' || typeof b === 'string') throw new Error(`${a} ${b}`)
    return isSameName(a, b)
  }

  it.each([
    ['CN=a,O=b', 'cn=a, 2.5.4.10=b'],
    ['CN=a+O=b', 'O=b+CN=a'],
  ])('%s and %s', (one, other) => expect(same(one, other)).toBe(true))

  it.each([
    ['CN=a,O=b', 'O=b,CN=a'],
    ['CN=a,O=b', 'CN=a+O=b'],
    ['CN=a', 'CN=A'],
    ['CN=a,CN=a', 'CN=a'],
    [String.raw`CN=a\,O=b`, 'CN=a,O=b'],
  ])('is not %s and %s', (one, other) => expect(same(one, other)).toBe(false))
})
