import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { localPath } from '../../src/sign-in/return-to.ts'
import { sourceNetwork } from '../../src/sign-in/source-network.ts'

const ISSUER = 'https://id.example.com'

describe('where to go after signing in', () => {
  it.each([
    ['/account', '/account'],
    ['/', '/'],
    ['/a?b=c&d=%20#e', '/a?b=c&d=%20#e'],
    ['/ünïcode path', '/%C3%BCn%C3%AFcode%20path'],
    ['/a/../b', '/b'],
    ['/?next=//evil.example', '/?next=//evil.example'],
  ])('%s is fine', (wanted, path) => {
    expect(localPath(wanted, ISSUER)).toBe(path)
  })

  it.each([
    undefined,
    '',
    'account',
    'https://evil.example/',
    'https://id.example.com/account',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\/evil.example',
    '/a\\b',
    '/\t/evil.example',
    '/\n/evil.example',
    ' //evil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    '/\0',
    '/\ud800',
    'javascript:alert(1)',
    `/${'a'.repeat(5000)}`,
  ])('%j is not', wanted => {
    expect(localPath(wanted, ISSUER)).toBeUndefined()
  })

  it('never leaves this server, whatever is asked', () => {
    const pieces = fc.constantFrom(
      '/',
      '\\',
      '.',
      '..',
      '%2f',
      '@',
      ':',
      '?',
      '#',
      '\t',
      '\r',
      ' ',
      'evil.example',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 8 }), parts => {
        const path = localPath(parts.join(''), ISSUER)
        if (path === undefined) return
        expect(new URL(path, `${ISSUER}/sign-in`).origin).toBe(ISSUER)
        expect(path).toMatch(/^[\x21-\x7e]+$/)
      }),
    )
  })
})

describe('a source of tries', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::', '2001:db8:0:1::/64'],
    ['::1', '0:0:0:0::/64'],
    ['1::2:3:4:5:6', '1:0:0:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', 'unknown'],
    [undefined, 'unknown'],
    ['nonsense', 'unknown'],
  ])('%s is %s', (address, network) => {
    expect(sourceNetwork(address)).toBe(network)
  })
})
