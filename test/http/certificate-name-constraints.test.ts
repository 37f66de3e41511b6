// For which names an authority may issue certificates, as we say and as OpenSSL says.
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from '@jest/globals'
import { createAuthority, type WantedCertificate } from '../support/certificates.ts'
import { isGoodForOpenssl, verdict } from '../support/openssl-verify.ts'

const root = createAuthority()

describe('an authority that may issue', () => {
  const NO = 'an authority may not issue for this name (name constraints)'
  const good = 'issued'

  it.each<[string, string, WantedCertificate, string]>([
    [
      'for a host and those below: itself',
      'permitted;DNS:acme.example',
      { names: [{ dns: 'acme.example' }] },
      good,
    ],
    [
      'for a host and those below: below',
      'permitted;DNS:acme.example',
      { names: [{ dns: 'A.Acme.example' }] },
      good,
    ],
    [
      'for a host and those below: beside',
      'permitted;DNS:acme.example',
      { names: [{ dns: 'badacme.example' }] },
      NO,
    ],
    [
      'for a host: one good name and another',
      'permitted;DNS:acme.example',
      { names: [{ dns: 'acme.example' }, { dns: 'x.example' }] },
      NO,
    ],
    [
      'for a host: a name of another type',
      'permitted;DNS:acme.example',
      { names: [{ uri: 'spiffe://x.example/a' }] },
      good,
    ],
    [
      'for two hosts',
      'permitted;DNS:a.example,permitted;DNS:b.example',
      { names: [{ dns: 'x.b.example' }] },
      good,
    ],
    ['for all hosts but one: another', 'excluded;DNS:acme.example', { names: [{ dns: 'x.example' }] }, good],
    [
      'for all hosts but one: below it',
      'excluded;DNS:acme.example',
      { names: [{ dns: 'x.ACME.example' }] },
      NO,
    ],
    [
      'for a host but not all below',
      'permitted;DNS:a.example,excluded;DNS:b.a.example',
      { names: [{ dns: 'c.b.a.example' }] },
      NO,
    ],
    [
      'for URIs of a host: of it',
      'permitted;URI:acme.example',
      { names: [{ uri: 'spiffe://acme.example/billing' }] },
      good,
    ],
    [
      'for URIs of a host: below it',
      'permitted;URI:acme.example',
      { names: [{ uri: 'spiffe://x.acme.example/a' }] },
      NO,
    ],
    [
      'for URIs below a host',
      'permitted;URI:.acme.example',
      { names: [{ uri: 'https://x.acme.example:8443/a' }] },
      good,
    ],
    [
      'for URIs of a host: without one',
      'permitted;URI:acme.example',
      { names: [{ uri: 'urn:acme.example' }] },
      NO,
    ],
    [
      'for addresses at a host',
      'permitted;email:acme.example',
      { names: [{ email: 'a@ACME.example' }] },
      good,
    ],
    [
      'for addresses at a host: elsewhere',
      'permitted;email:acme.example',
      { names: [{ email: 'a@x.acme.example' }] },
      NO,
    ],
    [
      'for addresses below a host',
      'permitted;email:.acme.example',
      { names: [{ email: 'a@x.acme.example' }] },
      good,
    ],
    ['for one address', 'permitted;email:a@acme.example', { names: [{ email: 'b@acme.example' }] }, NO],
    [
      'for addresses at a host: in the subject',
      'permitted;email:acme.example',
      { subject: '/CN=x/emailAddress=a@x.example' },
      NO,
    ],
    ['for a network: within', 'permitted;IP:192.0.2.0/255.255.255.0', { names: [{ ip: '192.0.2.7' }] }, good],
    ['for a network: outside', 'permitted;IP:192.0.2.0/255.255.255.0', { names: [{ ip: '192.0.3.7' }] }, NO],
    [
      'for a network: of the other family',
      'permitted;IP:192.0.2.0/255.255.255.0',
      { names: [{ ip: '2001:db8::1' }] },
      NO,
    ],
    ['for all but a network', 'excluded;IP:2001:db8::/ffff:ffff::', { names: [{ ip: '2001:db8:1::1' }] }, NO],
    ['for a part of the directory: within', 'permitted;dirName:acme', { subject: '/O=ACME  inc/CN=a' }, good],
    ['for a part of the directory: outside', 'permitted;dirName:acme', { subject: '/O=Other/CN=a' }, NO],
    ['for all but a part of the directory', 'excluded;dirName:acme', { subject: '/O=acme Inc/CN=a' }, NO],
    [
      'for registered ids',
      'permitted;RID:1.2.3.4',
      {},
      'an authority has name constraints of a type that is not known',
    ],
  ])('%s', (_what, nameConstraints, wanted, expected) => {
    const extensions = { nameConstraints: `critical,${nameConstraints}` }
    const holder = root.intermediate({ extensions }).issue(wanted)
    expect(verdict(holder, [root.cert])).toBe(expected)
    // It passes over types that the certificate has no name of.
    if (!nameConstraints.includes('RID'))
      expect(isGoodForOpenssl(holder, [root.cert])).toBe(expected === good)
  })

  it('for less than one above it: both count', () => {
    const constrained = (names: string) => ({
      extensions: { nameConstraints: `critical,permitted;DNS:${names}` },
    })
    const below = root
      .intermediate(constrained('acme.example'))
      .intermediate({ subject: '/CN=Below', ...constrained('example') })
    for (const [dns, expected] of [
      ['x.acme.example', good],
      ['x.example', NO],
    ] as const) {
      const holder = below.issue({ names: [{ dns }] })
      expect(verdict(holder, [root.cert])).toBe(expected)
      expect(isGoodForOpenssl(holder, [root.cert])).toBe(expected === good)
    }
  })

  it('for hosts: a name that no host has is not passed over', () => {
    const extensions = { nameConstraints: 'permitted;DNS:acme.example' }
    const holder = root.intermediate({ extensions }).issue({ names: [{ dns: 'x.example\0.acme.example' }] })
    expect(verdict(holder, [root.cert])).toBe(NO)
  })
})

describe('is no work for whoever is shown it', () => {
  const names = Array.from({ length: 150 }, (_, index) => ({ dns: `a${index}.example` }))

  it('when nobody trusts it: what it may issue for is not looked at', () => {
    const nameConstraints = `permitted;email:${'a'.repeat(9000)}@,permitted;DNS:acme.example`
    const stranger = createAuthority().intermediate({ extensions: { nameConstraints } })
    expect(verdict(stranger.issue({ names }), [root.cert])).toBe('no trusted authority has issued it')
    const ours = root.intermediate({ extensions: { nameConstraints } })
    expect(verdict(ours.issue({ names }), [root.cert])).toBe(
      'an authority may not issue for this name (name constraints)',
    )
  })

  it('when there are too many names and constraints', () => {
    const hosts = names.map(({ dns }) => `permitted;DNS:${dns}`).join(',')
    const authority = root.intermediate({ extensions: { nameConstraints: hosts } })
    expect(verdict(authority.issue({ names: names.slice(0, 9) }), [root.cert])).toBe('issued')
    expect(verdict(authority.issue({ names }), [root.cert])).toBe(
      'an authority has too many name constraints for so many names',
    )
  })

  it('when its key is one that makes every signature long work', () => {
    const options = ['-pkeyopt', 'rsa_keygen_bits:2048', '-pkeyopt', `rsa_keygen_pubexp:${2n ** 40n + 15n}`]
    const key = execFileSync('openssl', ['genpkey', '-algorithm', 'RSA', ...options], {
      stdio: 'pipe',
    }).toString()
    const slow = root.intermediate({ key })
    expect(verdict(slow.issue(), [root.cert])).toBe('the key of an authority is too weak')
  })
})
