// What a proxy says of the original request: whatever it says, it is understood in one way or refused.
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Problem } from '../../src/http/problem.ts'
import {
  type DialectName,
  type ProxyRequest,
  readOriginalRequest,
} from '../../src/verify/forwarded-request.ts'

const asked = (headers: Record<string, readonly string[]>, rest = '', method = 'GET'): ProxyRequest => ({
  method,
  rest,
  all: name => Object.entries(headers).find(([one]) => one.toLowerCase() === name.toLowerCase())?.[1] ?? [],
})

const read = (dialect: DialectName, request: ProxyRequest) => {
  try {
    return readOriginalRequest(dialect, request, 'https')
  } catch (error) {
    if (error instanceof Problem && error.status === 400) return undefined
    throw error
  }
}

const nginx = (method: string, host: string, target: string) =>
  asked({ 'X-Original-Method': [method], 'X-Original-Host': [host], 'X-Original-URI': [target] })

/** What a browser and a server would agree on. */
const plainPath = fc
  .array(fc.stringMatching(/^[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]{0,8}$/), { maxLength: 5 })
  .map(segments => `/${segments.join('/')}`)

describe('the original request', () => {
  it('is what the proxy said, for all that is plain', () => {
    const host = fc.domain().map(domain => domain.toLowerCase())
    const query = fc.option(fc.stringMatching(/^[A-Za-z0-9=&%20/?.-]{0,20}$/), { nil: undefined })
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'POST', 'PURGE'),
        host,
        plainPath,
        query,
        (method, name, path, text) => {
          const target = text === undefined ? path : `${path}?${text}`
          const expected = {
            method,
            host: name,
            origin: `https://${name}`,
            path,
            url: `https://${name}${target}`,
          }
          expect(read('nginx', nginx(method, name, target))).toEqual(expected)
          expect(read('envoy', asked({ Host: [name] }, target, method))).toEqual(expected)
        },
      ),
    )
  })

  it('is otherwise refused, and nothing else happens', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.webUrl(), fc.constant('/'))
    fc.assert(
      fc.property(text, text, text, (method, host, target) => {
        const found = read('nginx', nginx(method, host, target))
        if (!found) return
        // Whatever is understood is understood alike by a URL parser.
        const url = new URL(found.url)
        expect([url.host, url.origin]).toEqual([found.host, found.origin])
        expect(decodeURIComponent(url.pathname)).toBe(decodeURIComponent(found.path))
      }),
      { numRuns: 1000 },
    )
  })

  it.each([
    ['api.example.com:443', 'api.example.com'],
    ['API.Example.com', 'api.example.com'],
    ['api.example.com:8443', 'api.example.com:8443'],
    ['[2001:db8::1]:8443', '[2001:db8::1]:8443'],
    ['127.0.0.1', '127.0.0.1'],
  ])('is at the host %s as %s', (host, expected) => {
    expect(read('nginx', nginx('GET', host, '/'))?.host).toBe(expected)
  })

  it.each([
    '127.1',
    '0x7f000001',
    '127.0.0.01',
    '[::ffff:1.2.3.4]',
    '[2001:DB8:0::1]',
    'a b',
    'a%2eexample',
    'münchen.example',
    '',
    ':443',
    'a.example:',
    'a.example:443:443',
    'a.example,b.example',
  ])('is at no host %j', host => {
    expect(read('nginx', nginx('GET', host, '/'))).toBeUndefined()
  })
})
