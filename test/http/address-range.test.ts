import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { isInRanges, isWithinRanges, parseAddressRange } from '../../src/http/address-range.ts'

const range = (text: string) => {
  const found = parseAddressRange(text)
  if (!found) throw new Error(`${text} is no range`)
  return found
}

describe('a range of addresses', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1/32'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::', '::/128'],
    ['::/0', '::/0'],
    ['2001:DB8:0:0::/32', '2001:db8::/32'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::FFFF:0A00:0001', '10.0.0.1/32'],
  ])('%s is %s', (written, shown) => expect(range(written).text).toBe(shown))

  it.each([
    ...[
      '',
      '/',
      '/8',
      '10.0.0.0/',
      '10.0.0.0/33',
      '10.0.0.1/8',
      '10.0.0.0/8/8',
      '10.0.0.0/+8',
      '10.0.0.0/ 8',
    ],
    ...[
      '10.0.0/8',
      '010.0.0.0/8',
      '2001:db8::/129',
      '2001:db8::1/64',
      '::ffff:10.0.0.0/95',
      'fe80::1%eth0/128',
    ],
    ...['example.com', '10.0.0.0-10.0.0.9', '10.0.0.0/8\0', '*'],
  ])('%j is none', text => expect(parseAddressRange(text)).toBeUndefined())

  it('holds its addresses and no others', () => {
    const byte = fc.nat(255)
    fc.assert(
      fc.property(
        fc.tuple(byte, byte, byte, byte),
        fc.nat(32),
        fc.tuple(byte, byte, byte, byte),
        (a, bits, b) => {
          const number = (parts: number[]) => parts.reduce((sum, part) => sum * 256 + part, 0)
          const size = 2 ** (32 - bits)
          const first = Math.floor(number(a) / size) * size
          const text = [24, 16, 8, 0].map(shift => Math.floor(first / 2 ** shift) % 256).join('.')
          const expected = number(b) >= first && number(b) < first + size
          const ranges = [range(`${text}/${bits}`)]
          expect(isInRanges(ranges, b.join('.'))).toBe(expected)
          expect(isInRanges(ranges, `::ffff:${b.join('.')}`)).toBe(expected)
        },
      ),
    )
  })

  it('holds other ranges', () => {
    const outer = [range('10.0.0.0/8'), range('2001:db8::/32')]
    for (const inner of ['10.0.0.0/8', '10.255.0.0/16', '::ffff:10.1.0.0/112', '2001:db8:1::/48'])
      expect([inner, isWithinRanges(range(inner), outer)]).toEqual([inner, true])
    for (const inner of ['10.0.0.0/7', '11.0.0.0/8', '::/0', '0.0.0.0/0', '2001:db9::/32'])
      expect([inner, isWithinRanges(range(inner), outer)]).toEqual([inner, false])
  })
})
