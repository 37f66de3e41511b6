// What a client can say of its certificates, right and wrong, whichever door it comes through.
import { X509Certificate } from 'node:crypto'
import { createSelfSigned, type Holder } from './certificates.ts'
import { EC, keySet } from './client-settings.ts'

/** A key with its certificate, as a client registers it (RFC 8705, section 2.2.2). */
export const keyOf = ({ cert, der }: Holder) => ({
  ...new X509Certificate(cert).publicKey.export({ format: 'jwk' }),
  x5c: [der.toString('base64')],
})

export const OWN = createSelfSigned({ subject: '/CN=own' })
const OTHER = createSelfSigned({ subject: '/CN=other', keyType: 'ed25519' })

export const named = (more: object) => ({ token_endpoint_auth_method: 'tls_client_auth', ...more })
export const registeredWith = (more: object) => ({
  token_endpoint_auth_method: 'self_signed_tls_client_auth',
  ...more,
})

type Mistake = readonly [what: string, settings: object, path: string, message: RegExp]

export const CERTIFICATE_MISTAKES: readonly Mistake[] = [
  ['no name in its certificate', named({}), 'token_endpoint_auth_method', /give one of tls_client_auth_sub/],
  [
    'two names',
    named({ tls_client_auth_san_dns: 'a.example', tls_client_auth_san_uri: 'https://a.example' }),
    'tls_client_auth_san_uri',
    /together with tls_client_auth_san_dns: keep one/,
  ],
  [
    'a name and a secret',
    { tls_client_auth_san_dns: 'a.example' },
    'tls_client_auth_san_dns',
    /tls_client_auth only/,
  ],
  ...(
    [
      ['subject_dn', 'billing', /as in RFC 4514/],
      ['subject_dn', 'CN=billing,', /cannot be read at ..$/],
      ['subject_dn', 'CN=a"b', /cannot be read/],
      ['subject_dn', 'CN=', /value for CN that is empty/],
      ['subject_dn', 'CN=#0403', /in hexadecimal/],
      ['subject_dn', String.raw`CN=a\00b`, /U\+0000/],
      ['subject_dn', String.raw`CN=\ff`, /not UTF-8/],
      ['subject_dn', 'BILLING=x', /type .BILLING., which is not known/],
      ['san_dns', 'a.example,b.example', /must be a host name/],
      ['san_dns', 'a.example/path', /must be a host name/],
      ['san_dns', 'ä.example', /must be a host name/],
      ['san_uri', 'a.example', /must be a URI/],
      ['san_uri', 'spiffe://a b', /must be a URI/],
      ['san_ip', '10.0.0.0/8', /must be an IP address/],
      ['san_ip', 'fe80::1%eth0', /must be an IP address/],
      ['san_email', 'a.example', /must be an e-mail address/],
      ['san_email', 'a@b@c', /must be an e-mail address/],
      ['san_dns', 'a.example\nb', /one line/],
    ] as const
  ).map(([kind, value, message]): Mistake => {
    const name = `tls_client_auth_${kind}`
    return [`${kind} ${JSON.stringify(value)}`, named({ [name]: value }), name, message]
  }),
  ['no certificate', registeredWith({}), 'jwks', /self_signed_tls_client_auth needs the certificates/],
  ['keys without a certificate', registeredWith({ jwks: keySet(EC) }), 'jwks.keys', /has no certificate/],
  [
    'a certificate that is none',
    registeredWith({ jwks: keySet({ ...EC, x5c: ['AAAA'] }) }),
    'jwks.keys[0].x5c',
    /must begin with a certificate/,
  ],
  [
    'a certificate in PEM',
    registeredWith({ jwks: keySet({ ...keyOf(OWN), x5c: [OWN.cert] }) }),
    'jwks.keys[0].x5c',
    /DER in base64/,
  ],
  [
    'a certificate for another key',
    registeredWith({ jwks: keySet({ ...keyOf(OWN), x5c: keyOf(OTHER).x5c }) }),
    'jwks.keys[0].x5c',
    /for another key/,
  ],
  [
    'tokens that are bound twice',
    { dpop_bound_access_tokens: true, tls_client_certificate_bound_access_tokens: true },
    'tls_client_certificate_bound_access_tokens',
    /together with dpop_bound/,
  ],
]

/** Settings that go together. */
export const FINE_CERTIFICATES: readonly (readonly [what: string, settings: object])[] = [
  ['a subject', named({ tls_client_auth_subject_dn: String.raw`CN=billing\, nightly+UID=7,O=Acme,C=DE` })],
  ['a subject by OIDs', named({ tls_client_auth_subject_dn: '2.5.4.3=billing, DC=example' })],
  ['a host name', named({ tls_client_auth_san_dns: 'billing.example.com' })],
  ['a host name for many', named({ tls_client_auth_san_dns: '*.example.com' })],
  ['a URI', named({ tls_client_auth_san_uri: 'spiffe://example.com/billing' })],
  ['an IPv4 address', named({ tls_client_auth_san_ip: '192.0.2.1' })],
  ['an IPv6 address', named({ tls_client_auth_san_ip: '2001:db8::1' })],
  ['an e-mail address', named({ tls_client_auth_san_email: 'billing@example.com' })],
  ['certificates', registeredWith({ jwks: keySet(keyOf(OWN), keyOf(OTHER)) })],
  ['a certificate beside another key', registeredWith({ jwks: keySet(EC, keyOf(OWN)) })],
  ['certificates at an address', registeredWith({ jwks_uri: 'https://app.example.com/jwks' })],
  [
    'bound tokens',
    named({ tls_client_auth_san_dns: 'a.example', tls_client_certificate_bound_access_tokens: true }),
  ],
]
