import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { namesOf, subjectOf } from '../../src/http/certificate-names.ts'
import { createSelfSigned, type WantedCertificate } from '../support/certificates.ts'

const namesIn = (wanted: WantedCertificate) => namesOf(createSelfSigned(wanted))
const subjectIn = (subject: string) => subjectOf(createSelfSigned({ subject }))

describe('alternative names', () => {
  it('are read by their type', () => {
    const names = [
      { dns: 'Billing.Example' },
      { uri: 'spiffe://Acme.example/Billing' },
      { email: 'Ada.L@Example.COM' },
      { ip: '192.0.2.1' },
      { ip: '2001:db8::1' },
    ]
    expect(namesIn({ names })).toEqual([
      { type: 'dns', value: 'billing.example' },
      { type: 'uri', value: 'spiffe://Acme.example/Billing' },
      { type: 'email', value: 'Ada.L@example.com' },
      { type: 'ip', value: '192.0.2.1' },
      { type: 'ip', value: '2001:db8::1' },
    ])
  })

  it('stand for themselves: a comma does not make two, NUL does not end one', () => {
    const names = [{ dns: 'a.example,DNS:b.example' }, { uri: 'x:y,DNS:c.example' }]
    expect(namesIn({ names })).toEqual([
      { type: 'dns', value: 'a.example,dns:b.example' },
      { type: 'uri', value: 'x:y,DNS:c.example' },
    ])
    const hostile = [
      'good.example\0.evil.example',
      'a, DNS:b',
      'good.example\n',
      '',
      ' good.example',
      '\u212Aa.example',
    ]
    expect(namesIn({ names: hostile.map(dns => ({ dns })) })).toEqual([])
    expect(namesIn({ names: [{ uri: 'x:\0' }, { email: 'a@b\0' }] })).toEqual([])
  })

  it('are none where there are none', () => {
    expect(namesIn({})).toEqual([])
    expect(namesIn({ extensions: { subjectAltName: 'DER:0500' } })).toEqual([])
    expect(namesIn({ extensions: { subjectAltName: 'DER:308082' } })).toEqual([])
    expect(namesIn({ extensions: { subjectAltName: 'RID:1.2.3.4' } })).toEqual([])
    expect(namesOf({ der: Buffer.from('no certificate') })).toEqual([])
  })

  it('are none where they are more than anybody has: reading them would be long work', () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => ({ dns: `a${at}.example` }))
    expect(namesOf(createSelfSigned({ names: many(400) }))).toHaveLength(400)
    expect(namesOf(createSelfSigned({ names: many(600) }))).toEqual([])
  })

  it('of any bytes are read without an error', () => {
    const { der } = createSelfSigned({ names: [{ dns: 'a.example' }] })
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(der)
        changed.writeUInt8(byte, at)
        for (const { value } of namesOf({ der: changed })) expect(value).toMatch(/^[!-~]+$/)
        expect(Array.isArray(subjectOf({ der: changed }))).toBe(true)
      }),
    )
  })
})

describe('a subject', () => {
  const cn = '2.5.4.3'

  it('is read part by part, in its own order', () => {
    expect(subjectIn('/C=DE/O=Acme, Inc./OU=a+OU=b/CN=Büro')).toEqual([
      [{ type: '2.5.4.6', value: 'DE' }],
      [{ type: '2.5.4.10', value: 'Acme, Inc.' }],
      [{ type: '2.5.4.11', value: 'a' }],
      [{ type: '2.5.4.11', value: 'b' }],
      [{ type: cn, value: 'Büro' }],
    ])
  })

  it('has no second part by a comma', () => {
    expect(subjectIn('/CN=billing,O=Acme')).toEqual([[{ type: cn, value: 'billing,O=Acme' }]])
  })
})
