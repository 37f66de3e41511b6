// What can be wrong with the settings of a client, whichever door they come through: the declarative file, the JSON API, a form.
import { generateKeyPairSync } from 'node:crypto'
import { ORDERS } from './orders.ts'

type Jwk = Readonly<Record<string, unknown>>

const elliptic = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).publicKey

const pair = elliptic('P-256')
export const EC: Jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'ec-1' }
export const PRIVATE_EC: Jwk = pair.privateKey.export({ format: 'jwk' })
export const P384: Jwk = elliptic('P-384').publicKey.export({ format: 'jwk' })
export const ED: Jwk = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
export const RSA: Jwk = rsa(2048).export({ format: 'jwk' })
export const SHORT_RSA: Jwk = rsa(1024).export({ format: 'jwk' })

export const keySet = (...keys: unknown[]) => ({ keys })

/** Settings of a client with private_key_jwt that is fine but for them: what they are, where the mistake is, what it says. */
export const KEY_MISTAKES: readonly (readonly [string, object, string, RegExp])[] = [
  ['no key', {}, 'jwks', /^is missing: private_key_jwt needs/],
  ['no key in the set', { jwks: keySet() }, 'jwks.keys', /at least 1/],
  ['a key that is none', { jwks: keySet({}) }, 'jwks.keys[0].kty', /^is missing/],
  ['a kid that is a number', { jwks: keySet({ ...EC, kid: 5 }) }, 'jwks.keys[0].kid', /must be text/],
  ['a kid without text', { jwks: keySet({ ...EC, kid: '' }) }, 'jwks.keys[0].kid', /at least 1/],
  ['an unknown key beside the set', { jwks: { ...keySet(EC), use: 'sig' } }, 'jwks.use', /not a known key/],
  ['a symmetric key', { jwks: keySet(EC, { kty: 'oct', k: 'c2VjcmV0' }) }, 'jwks.keys[1].kty', /not be oct/],
  ['a private key', { jwks: keySet(PRIVATE_EC) }, 'jwks.keys[0].d', /part of a private key/],
  ['half a point', { jwks: keySet({ ...EC, y: undefined }) }, 'jwks.keys[0].y', /^is missing/],
  [
    'half a key after tomorrow',
    { jwks: keySet({ kty: 'AKP', alg: 'ML-DSA-44' }) },
    'jwks.keys[0].pub',
    /^is missing/,
  ],
  ['a number in it', { jwks: keySet({ ...EC, x: 5 }) }, 'jwks.keys[0].x', /^must be text/],
  ['a point off the curve', { jwks: keySet({ ...EC, y: EC.x }) }, 'jwks.keys[0]', /not a public key/],
  [
    'a modulus that is no number',
    { jwks: keySet({ ...RSA, n: '!' }) },
    'jwks.keys[0]',
    /^(?:is not|must have)/,
  ],
  ['a short RSA key', { jwks: keySet(SHORT_RSA) }, 'jwks.keys[0]', /2048 to 8192 bits: it has 1024/],
  [
    'an RSA key that makes each signature long work',
    { jwks: keySet({ ...RSA, e: 'AgAAAAAB' }) },
    'jwks.keys[0].e',
    /^is larger/,
  ],
  ['a key on another curve alone', { jwks: keySet(P384) }, 'jwks.keys', /has no key for ES256, EdDSA/],
  ['a key for encryption alone', { jwks: keySet({ ...EC, use: 'enc' }) }, 'jwks.keys', /has no key for/],
  ['a key for signing alone', { jwks: keySet({ ...EC, key_ops: ['sign'] }) }, 'jwks.keys', /has no key for/],
  ['a key of an unknown type alone', { jwks: keySet({ kty: 'XYZ' }) }, 'jwks.keys', /has no key for/],
  [
    'a key for another algorithm than the only one',
    { jwks: keySet(EC), token_endpoint_auth_signing_alg: 'RS256' },
    'jwks.keys',
    /has no key for RS256/,
  ],
  ['keys in two places', { jwks: keySet(EC), jwks_uri: 'https://a.example/jwks' }, 'jwks_uri', /keep one/],
  ['keys at plain http', { jwks_uri: 'http://a.example/jwks' }, 'jwks_uri', /must use https/],
  ['keys at another scheme', { jwks_uri: 'ftp://a.example/jwks' }, 'jwks_uri', /must use https/],
  ['keys at no address', { jwks_uri: '/jwks' }, 'jwks_uri', /absolute URI/],
  ['keys behind a password', { jwks_uri: 'https://u:p@a.example/jwks' }, 'jwks_uri', /user or password/],
  ['keys at a fragment', { jwks_uri: 'https://a.example/jwks#1' }, 'jwks_uri', /fragment/],
]

/** Of any client. */
export const SETTING_MISTAKES: readonly (readonly [string, object, string, RegExp])[] = [
  [
    'told of logout at plain http',
    { backchannel_logout_uri: 'http://a.example/out' },
    'backchannel_logout_uri',
    /https/,
  ],
  [
    'told of logout at a fragment',
    { backchannel_logout_uri: 'https://a.example/#x' },
    'backchannel_logout_uri',
    /fragment/,
  ],
  ['told of logout nowhere', { backchannel_logout_uri: '' }, 'backchannel_logout_uri', /must be a URI/],
]

/** Of a client that sends a secret. */
export const SECRET_MISTAKES: readonly (readonly [string, object, string, RegExp])[] = [
  [
    'an algorithm for assertions that it does not make',
    { token_endpoint_auth_signing_alg: 'ES256' },
    'token_endpoint_auth_signing_alg',
    /private_key_jwt only/,
  ],
  ['a private key that it does not even use', { jwks: keySet(PRIVATE_EC) }, 'jwks.keys[0].d', /private key/],
]

/** Settings that go together. */
export const FINE: readonly (readonly [string, object])[] = [
  ['an EC key', { jwks: keySet(EC) }],
  ['an Ed25519 key', { jwks: keySet(ED), token_endpoint_auth_signing_alg: 'EdDSA' }],
  ['an RSA key, for PS256', { jwks: keySet(RSA), token_endpoint_auth_signing_alg: 'PS256' }],
  [
    'keys for other uses beside a good one',
    { jwks: keySet(P384, { kty: 'XYZ' }, { ...RSA, use: 'enc' }, EC) },
  ],
  ['keys at https', { jwks_uri: 'https://app.example.com/jwks?all' }],
  ['keys on the same machine', { jwks_uri: 'http://127.0.0.1:8080/jwks' }],
  [
    'everything else',
    {
      jwks: keySet(EC),
      require_pushed_authorization_requests: true,
      dpop_bound_access_tokens: true,
      backchannel_logout_uri: 'http://localhost:8080/out?of=here',
      backchannel_logout_session_required: true,
    },
  ],
]

/** A new client for POST /v1/clients. */
export const service = (more: object = {}) => ({
  client_name: 'Nightly',
  application_kind: 'service',
  resource_scopes: { [ORDERS]: ['read:orders'] },
  ...more,
})
