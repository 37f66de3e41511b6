import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { redirectUriMistake } from '../../src/clients/redirect-uri.ts'

describe('redirect URIs', () => {
  it.each([
    ['https://app.example.com/callback', 'web'],
    ['https://app.example.com', 'web'],
    ['https://app.example.com:8443/cb?tenant=a%20b', 'web'],
    ['https://xn--bcher-kva.example/cb', 'web'],
    ['http://localhost:8080/callback', 'web'],
    ['http://127.0.0.1:8080/callback', 'web'],
    ['http://[::1]/callback', 'native'],
    ['https://claimed.example.com/cb', 'native'],
    ['com.example.app:/callback', 'native'],
    ['com.example.app://callback', 'native'],
  ] as const)('takes %s of a %s application', (uri, type) => {
    expect(redirectUriMistake(uri, type)).toBeUndefined()
  })

  it.each([
    ['', 'web', /URI/],
    ['/callback', 'web', /absolute/],
    ['app.example.com/callback', 'web', /absolute/],
    ['https://app.example.com/cb#', 'web', /fragment/],
    ['https://app.example.com/cb#x', 'web', /fragment/],
    ['https://*.example.com/cb', 'web', /wildcard/],
    ['https://app.example.com/*', 'web', /wildcard/],
    ['https://user@app.example.com/', 'web', /user/],
    ['https://user:pw@app.example.com/', 'web', /user/],
    ['https://@app.example.com/', 'web', /user/],
    ['https:app.example.com/cb', 'web', /host/],
    ['https:///app.example.com/cb', 'web', /host/],
    ['https://app.example.com\\@evil.example/', 'web', /bare characters/],
    ['https://app.example.com/a b', 'web', /bare characters/],
    ['https://app.example.com/\n', 'web', /bare characters/],
    ['https://app.example.com/\0', 'web', /bare characters/],
    ['https://bücher.example/', 'web', /bare characters/],
    ['https://app.example.com/%zz', 'web', /bare characters/],
    [`https://app.example.com/${'x'.repeat(2000)}`, 'web', /2000/],
    ['http://app.example.com/cb', 'web', /https/],
    ['http://localhost.example.com/cb', 'native', /https/],
    ['http://127.0.0.2/cb', 'native', /https/],
    ['http://10.0.0.1/cb', 'web', /https/],
    ['https://localhost/cb', 'native', /loopback/],
    ['com.example.app:/callback', 'web', /native/],
    ['myapp://callback', 'native', /dot/],
    ['javascript:alert(1)', 'native', /refused/],
    ['JavaScript:alert(1)', 'native', /refused/],
    ['data:text/html,x', 'native', /refused/],
    ['file:///etc/passwd', 'native', /refused/],
    ['blob:https://app.example.com/x', 'native', /refused/],
    ['vbscript:x', 'native', /refused/],
    ['about:blank', 'native', /refused/],
    ['ftp://app.example.com/', 'native', /refused/],
    ['ws://localhost/', 'native', /refused/],
  ] as const)('refuses %j of a %s application', (uri, type, reason) => {
    expect(redirectUriMistake(uri, type)).toMatch(reason)
  })

  const anyType = fc.constantFrom('web' as const, 'native' as const)
  const likelyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.webUrl({ withFragments: true, withQueryParameters: true }),
    fc
      .array(
        fc.constantFrom(
          'http',
          'https',
          ':',
          '//',
          '/',
          '\\',
          '@',
          '#',
          '?',
          '*',
          'localhost',
          '127.0.0.1',
          '[::1]',
          'a.b',
          '%',
          '%2e',
          ' ',
          '\t',
          '.',
          'javascript',
        ),
        { maxLength: 12 },
      )
      .map(parts => parts.join('')),
  )

  it('never throws, and what it takes is an absolute URI that means one place', () => {
    fc.assert(
      fc.property(likelyText, anyType, (uri, type) => {
        if (redirectUriMistake(uri, type) !== undefined) return
        const url = new URL(uri)
        expect(url.hash).toBe('')
        expect(url.username + url.password).toBe('')
        expect(uri).not.toMatch(/[*#\\\s]/)
        if (url.protocol === 'http:') expect(['localhost', '127.0.0.1', '[::1]']).toContain(url.hostname)
        else if (url.protocol !== 'https:') {
          expect(type).toBe('native')
          expect(url.protocol).toContain('.')
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('takes every https URL without a fragment of a web application', () => {
    fc.assert(
      fc.property(fc.webUrl({ validSchemes: ['https'], withQueryParameters: true }), uri => {
        if (uri.includes('*') || /%(?![0-9a-f]{2})/i.test(uri)) return
        expect(redirectUriMistake(uri, 'web')).toBeUndefined()
      }),
    )
  })
})
