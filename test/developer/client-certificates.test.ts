// /v1/client-certificates: the wire, what may be registered, and whose it is. How one is let in: test/credentials.
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { askSelf } from '../credentials/kind.contract.ts'
import { made } from '../support/api-callers.ts'
import { type Authority, createAuthority, createSelfSigned, type Holder } from '../support/certificates.ts'
import { BEHIND_PROXY, shown as shownBy } from '../support/certified.ts'
import { ORDERS } from '../support/orders.ts'
import { refusal, startWorld, type World } from './world.ts'

let world: World
let authority: Authority
let holder: Holder
beforeAll(async () => {
  world = await startWorld(BEHIND_PROXY)
  authority = createAuthority({ subject: '/O=Acme/CN=Acme authority' })
  holder = authority.issue({
    subject: '/O=Acme, Inc./CN=ci',
    names: [{ dns: 'CI.example.com' }, { uri: 'spiffe://example.com/ci' }, { ip: '192.0.2.7' }],
  })
})
afterAll(() => world.app.close())

const CERTIFICATES = '/v1/client-certificates'
const scopes = { [ORDERS]: ['read:orders'] }
const DAY = 86_400_000

const body = (more: object) => ({ client_id: 'ci', name: 'CI', scopes, ...more })

const self = (who: Holder) => askSelf(world.app, shownBy(who))

/** The certificate is shown on the connection that registers one. */
const registeredBy = (who: Holder, wanted: object) =>
  world.ci.call('POST', CERTIFICATES, wanted, shownBy(who))

const shown = () => ({
  id: expect.stringMatching(/^[0-9A-Za-z]{16}$/),
  client_id: 'ci',
  name: 'CI',
  description: null,
  env: 'live',
  status: 'active',
  scopes,
  not_before: null,
  expires_at: null,
  allowed_addresses: null,
  rate_limit: null,
  created_at: expect.stringMatching(/Z$/),
  last_used: null,
})

describe('a client certificate', () => {
  it('is registered as it is, and says what it is', async () => {
    const answer = await world.dev.call('POST', CERTIFICATES, body({ certificate: holder.cert }))
    const certificate = answer.json()
    expect([answer.status, answer.headers.location]).toEqual([201, `${CERTIFICATES}/${certificate.id}`])
    expect(certificate).toEqual({
      ...shown(),
      certificate: holder.cert,
      ca: null,
      san: null,
      proved: false,
      about: {
        subject: 'CN=ci,O=Acme\\, Inc.',
        names: [{ dns: 'ci.example.com' }, { uri: 'spiffe://example.com/ci' }, { ip: '192.0.2.7' }],
        not_before: expect.stringMatching(/Z$/),
        not_after: expect.stringMatching(/Z$/),
        'x5t#S256': holder.thumbprint,
      },
    })
    expect((await world.vic.call('GET', `${CERTIFICATES}/${certificate.id}`)).json()).toEqual(certificate)
    for (const path of [CERTIFICATES, `${CERTIFICATES}?client_id=ci`]) {
      const list = (await world.vic.call('GET', path)).json().data
      expect(list).toContainEqual(certificate)
    }
    const again = await world.dev.call('POST', CERTIFICATES, body({ certificate: holder.cert }))
    expect(refusal(again)).toEqual({ status: 409, code: 'conflict' })
    expect((await world.dev.call('DELETE', `${CERTIFICATES}/${certificate.id}`)).status).toBe(204)
    expect((await world.dev.call('GET', `${CERTIFICATES}/${certificate.id}`)).json().status).toBe('revoked')
    await made(world.dev, CERTIFICATES, body({ certificate: holder.cert }))
  })

  it('is any that an authority issues for a name', async () => {
    const text = `subject=CN = Acme authority\n${authority.cert}`
    const certificate = await made(
      world.dev,
      CERTIFICATES,
      body({ ca: text, san: { dns: 'CI.Example.com' } }),
    )
    expect(certificate).toEqual({
      ...shown(),
      certificate: null,
      ca: authority.cert,
      san: { dns: 'ci.example.com' },
      proved: false,
      about: expect.objectContaining({ subject: 'CN=Acme authority,O=Acme', names: [] }),
    })
    const again = await world.dev.call(
      'POST',
      CERTIFICATES,
      body({ ca: text, san: { dns: 'ci.example.com' } }),
    )
    expect(refusal(again)).toEqual({ status: 409, code: 'conflict' })
    for (const [type, given, kept] of [
      ['uri', 'spiffe://example.com/CI', 'spiffe://example.com/CI'],
      ['email', 'Ci@Example.com', 'Ci@example.com'],
      ['ip', '::FFFF:192.0.2.1', '192.0.2.1'],
      ['ip', '2001:DB8:0::1', '2001:db8::1'],
      ['dns', '*.example.com', '*.example.com'],
    ] as const) {
      const one = await made(world.dev, CERTIFICATES, body({ ca: text, san: { [type]: given } }))
      expect(one.san).toEqual({ [type]: kept })
    }
  })

  /** OpenSSL makes any. */
  const withKey = (curve: string) =>
    execFileSync(
      'openssl',
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:${curve} -nodes -days 9 -subj /CN=weak -keyout /dev/null`.split(
        ' ',
      ),
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    )

  const expired = () =>
    createSelfSigned({ notBefore: new Date(Date.now() - 3 * DAY), notAfter: new Date(Date.now() - DAY) })

  it.each<[string, () => object, string[]]>([
    ['nothing', () => ({}), ['certificate']],
    ['a certificate and an authority', () => ({ certificate: holder.cert, ca: authority.cert }), ['ca']],
    ['a certificate and a name', () => ({ certificate: holder.cert, san: { dns: 'a' } }), ['san']],
    ['what is no certificate', () => ({ certificate: 'hello' }), ['certificate']],
    ['a broken one', () => ({ certificate: holder.cert.replace(/[A-Z]{3}/, 'AAA') }), ['certificate']],
    ['a chain', () => ({ certificate: holder.cert + authority.cert }), ['certificate']],
    ['its private key beside it', () => ({ certificate: holder.cert + holder.key }), ['certificate']],
    ['a private key', () => ({ certificate: holder.key }), ['certificate']],
    ['one that has expired', () => ({ certificate: expired().cert }), ['certificate']],
    ['one with a key that is too weak', () => ({ certificate: withKey('prime192v1') }), ['certificate']],
    ['one with a curve that TLS has not', () => ({ certificate: withKey('secp256k1') }), ['certificate']],
    ['an authority alone', () => ({ ca: authority.cert }), ['san']],
    ['a name alone', () => ({ san: { dns: 'ci.example.com' } }), ['ca']],
    ['no name', () => ({ ca: authority.cert, san: {} }), ['san']],
    ['two names', () => ({ ca: authority.cert, san: { dns: 'a.example', ip: '192.0.2.1' } }), ['san']],
    ['another kind of name', () => ({ ca: authority.cert, san: { dn: 'CN=a' } }), ['san.dn']],
    ['an authority that is none', () => ({ ca: holder.cert, san: { dns: 'a.example' } }), ['ca']],
    ['one that is none among two', () => ({ ca: authority.cert + holder.cert, san: { dns: 'a' } }), ['ca']],
    [
      'a private key of an authority',
      () => ({ ca: authority.cert + authority.key, san: { dns: 'a' } }),
      ['ca'],
    ],
    ['a name with a comma', () => ({ ca: authority.cert, san: { dns: 'a.example,b.example' } }), ['san.dns']],
    ['a name with a space', () => ({ ca: authority.cert, san: { dns: 'a.example ' } }), ['san.dns']],
    ['a URI that is none', () => ({ ca: authority.cert, san: { uri: 'example.com' } }), ['san.uri']],
    ['an address that is none', () => ({ ca: authority.cert, san: { ip: '192.0.2.0/24' } }), ['san.ip']],
    ['an address with a zone', () => ({ ca: authority.cert, san: { ip: 'fe80::1%eth0' } }), ['san.ip']],
    ['an e-mail address that is none', () => ({ ca: authority.cert, san: { email: 'ci' } }), ['san.email']],
    ['a binding', () => ({ certificate: holder.cert, cnf: { jkt: 'x' } }), ['cnf']],
    [
      'several mistakes',
      () => ({ certificate: 'x', name: '', scopes: { [ORDERS]: ['no'] } }),
      ['certificate', 'name'],
    ],
  ])('is not registered from %s', async (_what, fields, paths) => {
    const answer = await world.dev.call('POST', CERTIFICATES, body(fields()))
    expect(refusal(answer)).toEqual({ status: 400, code: 'validation_failed', paths })
  })

  it('is never answered with the private key that came with it', async () => {
    const answer = await world.dev.call('POST', CERTIFICATES, body({ certificate: holder.key }))
    expect(answer.text).not.toContain(holder.key.split('\n')[1])
  })

  it('is the affair of the organization of its client', async () => {
    const { cert } = createSelfSigned()
    const { id } = await made(world.ci, CERTIFICATES, body({ certificate: cert }))
    for (const [method, path, sent] of [
      ['GET', `${CERTIFICATES}/${id}`],
      ['DELETE', `${CERTIFICATES}/${id}`],
      ['GET', `${CERTIFICATES}?client_id=ci`],
      ['POST', CERTIFICATES, body({ certificate: createSelfSigned().cert })],
      ['GET', `/v1/api-keys/${id}`],
    ] as const)
      expect((await world.mallory.call(method, path, sent)).status).toBe(404)
    for (const [method, path, sent] of [
      ['DELETE', `${CERTIFICATES}/${id}`],
      ['POST', CERTIFICATES, body({ certificate: createSelfSigned().cert })],
    ] as const)
      expect((await world.vic.call(method, path, sent)).status).toBe(403)
    expect((await world.root.call('DELETE', `${CERTIFICATES}/${id}`)).status).toBe(204)
  })

  describe('that another organization has registered', () => {
    const theirs = () => ({ client_id: 'theirs', name: 'Theirs', scopes: { [world.own]: ['clients:read'] } })
    const name = { dns: 'both.example.com' }
    const byName = () => ({ ca: authority.cert, san: name })
    const both = () => `${createAuthority().cert}${authority.cert}`
    const leaf = () => authority.issue({ names: [{ dns: 'more.example.com' }, name] }).cert
    const { cert: pinned } = createSelfSigned()

    it.each<[string, () => object, () => object]>([
      ['the same', () => ({ certificate: pinned }), () => ({ certificate: pinned })],
      ['the authority among others', byName, () => ({ ca: both(), san: name })],
      ['one that fits', byName, () => ({ certificate: leaf() })],
      ['what it fits', () => ({ certificate: leaf() }), byName],
    ])('is not registered again: %s', async (_what, first, second) => {
      const { id } = await made(world.dev, CERTIFICATES, body(first()))
      const fields = { ...theirs(), ...second() }
      const answer = await world.mallory.call('POST', CERTIFICATES, fields)
      expect(refusal(answer)).toEqual({ status: 409, code: 'conflict' })
      await world.dev.call('DELETE', `${CERTIFICATES}/${id}`)
      const now = await made(world.mallory, CERTIFICATES, fields)
      expect((await world.mallory.call('DELETE', `${CERTIFICATES}/${now.id}`)).status).toBe(204)
    })

    it('takes no name from who has another authority, and a client may have several that overlap', async () => {
      const mine = await made(world.dev, CERTIFICATES, body(byName()))
      const other = { ca: createAuthority().cert, san: name }
      await made(world.mallory, CERTIFICATES, { ...theirs(), ...other })
      await made(world.dev, CERTIFICATES, body({ certificate: leaf() }))
      await made(world.dev, CERTIFICATES, body({ ...byName(), ca: both() }))
      expect(mine.san).toEqual(name)
    })

    it('keeps nobody out who has the key: that goes before who was first', async () => {
      const mine = body({ scopes: { [world.own]: ['clients:read'] } })
      const squatted = { dns: 'squatted.example.com' }
      const own = createSelfSigned()
      const named = authority.issue({ names: [squatted] })
      const wants: [object, Holder][] = [
        [{ certificate: own.cert }, own],
        [{ ca: authority.cert, san: squatted }, named],
      ]
      for (const [wanted, holder] of wants) {
        const whoIs = async () => (await self(holder)).json().client_id
        const first = await made(world.mallory, CERTIFICATES, { ...theirs(), ...wanted })
        expect([first.proved, await whoIs()]).toEqual([false, 'theirs'])
        for (const other of [createSelfSigned(), createAuthority().issue({ names: [squatted] })])
          expect((await registeredBy(other, { ...mine, ...wanted })).status).toBe(409)
        const proved = await registeredBy(holder, { ...mine, ...wanted })
        expect([proved.status, proved.json().proved, await whoIs()]).toEqual([201, true, 'ci'])
        expect((await registeredBy(holder, { ...mine, ...wanted })).status).toBe(409)
      }
    })

    it('hides nothing by its number', async () => {
      const san = { dns: 'crowd.example.com' }
      const scopes = { [world.own]: ['clients:read'] }
      const { key } = createAuthority()
      const others = Array.from({ length: 11 }, () =>
        createAuthority({ subject: '/O=Acme/CN=Acme authority', key }),
      )
      const statuses: number[] = []
      for (const { cert } of others) {
        const answer = await world.mallory.call('POST', CERTIFICATES, { ...theirs(), ca: cert, san })
        statuses.push(answer.status)
      }
      expect(statuses).toEqual([...Array(10).fill(201), 409])
      await made(world.dev, CERTIFICATES, body({ scopes, ca: authority.cert, san }))
      expect((await self(authority.issue({ names: [san] }))).json().client_id).toBe('ci')
    })
  })
})
