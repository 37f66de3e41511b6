// Who has issued a certificate, as we say and as OpenSSL says (`openssl verify -purpose sslclient`): certificates come from
// OpenSSL, so one mistake is not in both.
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { isIssuedBy } from '../../src/http/certificate-chain.ts'
import { pemCertificates, readClientCertificate } from '../../src/http/client-certificate.ts'
import { createAuthority, createSelfSigned, type Holder } from '../support/certificates.ts'
import { isGoodForOpenssl, verdict } from '../support/openssl-verify.ts'

const root = createAuthority()
const middle = root.intermediate()
const foreign = createAuthority()
const day = 86_400_000
const from = (days: number) => new Date(Date.now() + days * day)
const past = { notBefore: from(-9), notAfter: from(-1) }
const future = { notBefore: from(1), notAfter: from(9) }

const impostor = createAuthority()
const ofRsa = createAuthority({ keyType: 'rsa' })
const ofEd25519 = createAuthority({ keyType: 'ed25519' })
const ofWeakRsa = createAuthority({ keyType: 'rsa-1024' })
const noAuthority = { extensions: { basicConstraints: 'critical,CA:FALSE' } }
const short = root.intermediate({ extensions: { basicConstraints: 'critical,CA:TRUE,pathlen:0' } })
const forServers = { extensions: { extendedKeyUsage: 'serverAuth' } }

/** The last: what we say. OpenSSL must agree. */
const cases: [string, () => Pick<Holder, 'chain'>, readonly string[], string][] = [
  ['an authority that is trusted', () => root.issue(), [root.cert], 'issued'],
  ['one of several', () => root.issue(), [foreign.cert, root.cert], 'issued'],
  ['one below it', () => middle.issue(), [root.cert], 'issued'],
  ['one below that', () => middle.intermediate({ subject: '/CN=Deep' }).issue(), [root.cert], 'issued'],
  ['an intermediate that is trusted itself', () => middle.issue(), [middle.cert], 'issued'],
  [
    'one that is not sent',
    () => ({ chain: middle.issue().cert }),
    [root.cert],
    'no trusted authority has issued it',
  ],
  ['a foreign one', () => foreign.issue(), [root.cert], 'no trusted authority has issued it'],
  ['one with the same name', () => impostor.issue(), [root.cert], 'no trusted authority has issued it'],
  ['nobody', () => createSelfSigned(), [root.cert], 'no trusted authority has issued it'],
  [
    'nobody, with a good chain beside it',
    () => ({ chain: createSelfSigned().cert + middle.issue().chain }),
    [root.cert],
    'no trusted authority has issued it',
  ],
  [
    'itself, sent as its own authority',
    () => ({ chain: createSelfSigned().cert + foreign.cert }),
    [root.cert],
    'no trusted authority has issued it',
  ],
  ['an authority, with keys of RSA', () => ofRsa.issue({ keyType: 'rsa' }), [ofRsa.cert], 'issued'],
  [
    'an authority, with keys of Ed25519',
    () => ofEd25519.issue({ keyType: 'ed25519' }),
    [ofEd25519.cert],
    'issued',
  ],
  ['an authority of RSA, to a key of EC', () => ofRsa.issue(), [ofRsa.cert], 'issued'],
  [
    'one that signs with SHA-1',
    () => ofRsa.issue({ digest: 'sha1' }),
    [ofRsa.cert],
    'it is signed with an algorithm that is too weak',
  ],
  [
    'an authority, to a weak key',
    () => root.issue({ keyType: 'rsa-1024' }),
    [root.cert],
    'the key of the certificate is too weak',
  ],
  [
    'an authority with a weak key',
    () => ofWeakRsa.issue(),
    [ofWeakRsa.cert],
    'the key of an authority is too weak',
  ],
  ['an authority, long ago', () => root.issue(past), [root.cert], 'the certificate has expired'],
  ['an authority, for later', () => root.issue(future), [root.cert], 'the certificate is not valid yet'],
  [
    'an intermediate that has expired',
    () => root.intermediate(past).issue(),
    [root.cert],
    'the certificate of an authority has expired',
  ],
  [
    'an intermediate that is not valid yet',
    () => root.intermediate(future).issue(),
    [root.cert],
    'the certificate of an authority is not valid yet',
  ],
  [
    'one that is no authority',
    () => root.intermediate(noAuthority).issue(),
    [root.cert],
    'its issuer is no authority (basic constraints)',
  ],
  [
    'one that may not have another below it',
    () => short.intermediate({ subject: '/CN=Below' }).issue(),
    [root.cert],
    'there are more authorities below one than it allows (path length)',
  ],
  ['one that may have none below it, itself', () => short.issue(), [root.cert], 'issued'],
  [
    'one that issues for servers',
    () => root.intermediate(forServers).issue(),
    [root.cert],
    'its issuer does not issue for clients (extended key usage)',
  ],
  [
    'an authority, for a server',
    () => root.issue({ usage: 'serverAuth' }),
    [root.cert],
    'the certificate is not for clients (extended key usage)',
  ],
  ['an authority, for anything', () => root.issue({ usage: 'none' }), [root.cert], 'issued'],
  [
    'an authority, for encryption',
    () => root.issue({ extensions: { keyUsage: 'critical,keyEncipherment' } }),
    [root.cert],
    'its key is not for signatures (key usage)',
  ],
  [
    'an authority, with a critical extension of its own',
    () => root.issue({ extensions: { '1.2.3.4.5': 'critical,ASN1:NULL' } }),
    [root.cert],
    'the certificate has the critical extension 1.2.3.4.5, which is not known',
  ],
  [
    'an authority, with an extension of its own',
    () => root.issue({ extensions: { '1.2.3.4.5': 'ASN1:NULL' } }),
    [root.cert],
    'issued',
  ],
]

describe('a certificate issued by', () => {
  it.each(cases)('%s', (_what, make, trusted, expected) => {
    const holder = make()
    expect(verdict(holder, trusted)).toBe(expected)
    expect(isGoodForOpenssl(holder, trusted)).toBe(expected === 'issued')
  })
})

describe('stricter than OpenSSL', () => {
  it('an authority shown as a client is nobody, though it is trusted', () => {
    expect(verdict(root, [root.cert])).toBe('its key is not for signatures (key usage)')
    const loose = createSelfSigned()
    expect(verdict(loose, [loose.cert])).toBe("it is an authority's own certificate")
  })

  it('curves that TLS does not know', () => {
    expect(verdict(root.issue({ keyType: 'secp256k1' }), [root.cert])).toBe(
      'the key of the certificate is too weak',
    )
  })
})

describe('dates', () => {
  it('are those of the time that is asked about', () => {
    const holder = root.issue({ notBefore: from(-3), notAfter: from(3) })
    expect(verdict(holder, [root.cert], from(-0.5))).toBe('issued')
    expect(verdict(holder, [root.cert], from(4))).toBe('the certificate has expired')
    expect(verdict(holder, [root.cert], from(-4))).toBe('the certificate is not valid yet')
    const lasting = root.issue({ notBefore: from(-50), notAfter: from(50) })
    expect(verdict(lasting, [root.cert], from(40))).toBe('the certificate of an authority has expired')
  })
})

describe('whatever is sent', () => {
  const client = middle.issue()
  const good = pemCertificates(client.chain) ?? []

  it('the order of the chain does not matter, nor what else is in it', () => {
    const deep = middle.intermediate({ subject: '/CN=Deep' })
    const [der = Buffer.alloc(0), ...chain] = pemCertificates(deep.issue().chain) ?? []
    const strangers = [foreign.der, root.der, createSelfSigned().der, Buffer.from('x')]
    for (const sent of [[...chain].reverse(), [...strangers, ...chain], [...chain, ...chain, der]])
      expect(isIssuedBy({ der, chain: sent }, [root.cert], new Date())).toEqual({ ok: true })
  })

  it('a changed byte of a certificate is never good, and nothing is thrown', () => {
    const [der = Buffer.alloc(0), ...chain] = good
    const byte = fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(byte, ([at, change]) => {
        const changed = Buffer.from(der)
        changed.writeUInt8((changed.readUInt8(at) ^ change) & 0xff, at)
        const certificate = readClientCertificate(changed)
        if (certificate) expect(isIssuedBy({ ...certificate, chain }, [root.cert], new Date()).ok).toBe(false)
        expect(isIssuedBy({ der: changed, chain }, [root.cert], new Date()).ok).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  it('a crowd of certificates ends in a refusal, and soon', () => {
    // All of one name and one key: each may have issued each.
    const { key, cert } = foreign
    const crowd = Array.from({ length: 10 }, () => createAuthority({ key, subject: '/CN=Crowd' }))
    const below = crowd[0]?.issue().der ?? Buffer.alloc(0)
    const chain = crowd.map(({ der }) => der)
    expect(isIssuedBy({ der: below, chain }, [root.cert], new Date())).toEqual({
      ok: false,
      reason: 'too many certificates came with it',
    })
    expect(cert).not.toBe(root.cert)
  })

  it('authorities that cannot be read are none', () => {
    expect(verdict(client, [])).toBe('no trusted authority has issued it')
    expect(verdict(client, ['', 'x', client.key])).toBe('no trusted authority has issued it')
  })
})
