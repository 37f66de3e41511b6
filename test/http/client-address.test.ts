import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  clientAddress,
  createTrustedProxies,
  isForwardingHeader,
  normalAddress,
} from '../../src/http/client-address.ts'
import { sourceOf } from '../../src/http/context.ts'
import { requestView } from '../../src/http/request-view.ts'
import { ask, type Ground, ground, on } from './ground.ts'

const from = (remoteAddress: string | undefined, forwardedFor?: string | string[]) =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwardedFor } }) as never

const proxies = createTrustedProxies(['10.0.0.0/8', '192.0.2.1', '2001:db8:1::/48', '::ffff:172.16.0.0/108'])
const octet = fc.integer({ min: 0, max: 255 })
const trusted = fc.oneof(
  fc.tuple(octet, octet, octet).map(([a, b, c]) => `10.${a}.${b}.${c}`),
  fc.integer({ min: 0, max: 0xffff }).map(group => `2001:db8:1::${group.toString(16)}`),
  fc.tuple(octet, octet).map(([a, b]) => `::ffff:10.0.${a}.${b}`),
)
const stranger = fc.oneof(
  fc.tuple(octet, octet).map(([a, b]) => `203.0.${a}.${b}`),
  fc.integer({ min: 1, max: 0xffff }).map(group => `2001:db8:2::${group.toString(16)}`),
)

describe('normalAddress', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::FFFF:102:304', '1.2.3.4'],
    ['0:0:0:0:0:ffff:ffff:fffe', '255.255.255.254'],
    ['2001:DB8:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['01.2.3.4', undefined],
    ['1.2.3', undefined],
    ['', undefined],
    ['unknown', undefined],
    ['::1]', undefined],
  ])('%s is %s', (text, expected) => {
    expect(normalAddress(text)).toBe(expected)
  })

  it('never throws, and what it makes stays as it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), trusted, stranger), text => {
        const once = normalAddress(text)
        if (once !== undefined) expect(normalAddress(once)).toBe(once)
      }),
    )
  })
})

describe('trusted proxies', () => {
  it.each([
    ['10.1.2.3', true],
    ['::ffff:10.1.2.3', true],
    ['192.0.2.1', true],
    ['192.0.2.2', false],
    ['2001:db8:1::5', true],
    ['2001:db8:2::5', false],
    ['172.16.0.9', true],
    ['172.32.0.9', false],
    ['', false],
    ['nonsense', false],
  ])('%s: %s', (address, expected) => {
    expect(proxies.has(address)).toBe(expected)
  })

  it('are nobody when none are configured', () => {
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), address => !createTrustedProxies([]).has(address)))
  })

  it('may be everybody', () => {
    const everybody = createTrustedProxies(['0.0.0.0/0', '::/0'])
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), address => everybody.has(address)))
  })

  it('refuse what is no range', () => {
    expect(() => createTrustedProxies(['example.com'])).toThrow('example.com')
  })
})

describe('clientAddress', () => {
  it('of an untrusted peer is the peer, whatever it says', () => {
    fc.assert(
      fc.property(stranger, fc.string(), (peer, says) => {
        expect(clientAddress(from(peer, says), proxies)).toBe(normalAddress(peer))
      }),
    )
  })

  it('is the right-most entry that is not a proxy, whatever stands before it', () => {
    fc.assert(
      fc.property(
        trusted,
        fc.string(),
        stranger,
        fc.array(trusted),
        fc.constantFrom(',', ', ', ' ,\t'),
        (peer, forged, client, behind, separator) => {
          const header = [forged, client, ...behind].join(separator)
          expect(clientAddress(from(peer, header), proxies)).toBe(normalAddress(client))
        },
      ),
    )
  })

  it('is the first proxy when all are proxies', () => {
    fc.assert(
      fc.property(trusted, fc.array(trusted, { minLength: 1 }), (peer, chain) => {
        expect(clientAddress(from(peer, chain.join(', ')), proxies)).toBe(normalAddress(chain[0] ?? ''))
      }),
    )
  })

  it.each([
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:db8:2::1]:443', '2001:db8:2::1'],
    ['[2001:db8:2::1]', '2001:db8:2::1'],
    ['203.0.113.9, unknown', '10.0.0.1'],
    ['203.0.113.9, _hidden, 10.0.0.2', '10.0.0.2'],
    ['203.0.113.9,', '10.0.0.1'],
    ['', '10.0.0.1'],
  ])('reads %j', (header, expected) => {
    expect(clientAddress(from('10.0.0.1', header), proxies)).toBe(expected)
  })

  it('of a peer without an address is empty', () => {
    expect(clientAddress(from(undefined, '203.0.113.9'), createTrustedProxies(['0.0.0.0/0']))).toBe('')
  })
})

describe('forwarding headers', () => {
  const seen = on('GET', '/seen', ctx => {
    const view = requestView(ctx)
    ctx.body = {
      ip: ctx.ip,
      ips: ctx.ips,
      source: sourceOf(ctx),
      names: Object.keys(ctx.headers),
      distinct: Object.keys(ctx.req.headersDistinct),
      raw: view.headers.map(([name]) => name.toLowerCase()),
      url: view.url,
      secure: ctx.secure,
    }
  })
  const sent = {
    'X-Forwarded-For': '203.0.113.9',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'evil.test',
    Forwarded: 'for=203.0.113.9;host=evil.test',
    'X-Real-IP': '203.0.113.9',
    'Client-Cert': ':MIIB:',
    'Client-Cert-Chain': ':MIIB:',
    'X-SSL-Client-Cert': 'MIIB',
    X_Forwarded_For: '203.0.113.9',
    'X-Forwarded-Client-Cert': 'Cert=MIIB',
    'X-Client-Verify': 'SUCCESS',
    'User-Agent': 'test/1',
    'X-Harmless': 'yes',
  }
  let alone: Ground
  let behindProxy: Ground
  beforeAll(async () => {
    alone = await ground({ routes: () => [seen] })
    behindProxy = await ground({ routes: () => [seen], trustedProxies: ['127.0.0.1'] })
  })
  afterAll(() => Promise.all([alone.close(), behindProxy.close()]))

  it('from a stranger are gone before anybody sees them', async () => {
    const answer = (await ask(alone, { path: '/seen', headers: sent })).json()
    for (const list of ['names', 'distinct', 'raw']) {
      const names = answer[list] as string[]
      expect(names.filter(isForwardingHeader)).toEqual([])
      expect(names).toContain('x-harmless')
    }
    expect(answer).toMatchObject({ ip: '127.0.0.1', ips: [], url: 'http://id.test/seen', secure: false })
    expect(answer.source).toMatchObject({ address: '127.0.0.1', userAgent: 'test/1' })
  })

  it('from a trusted proxy say who the client is, and nothing about our address or certificates until told to', async () => {
    const answer = (await ask(behindProxy, { path: '/seen', headers: sent })).json()
    expect(answer).toMatchObject({ ip: '203.0.113.9', ips: [], url: 'http://id.test/seen', secure: false })
    expect(answer.names).toContain('x-forwarded-for')
    expect(answer.names).not.toContain('client-cert')
  })
})
