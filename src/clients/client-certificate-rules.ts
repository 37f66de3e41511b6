/**
 * What a client says of its certificates (RFC 8705): by which name of it a client with tls_client_auth is known, the
 * certificates themselves with self_signed_tls_client_auth, and that its tokens are bound to one. Values of a wrong type
 * are passed over: the schema speaks of those.
 */
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type Item, recordOf, textOf } from '../http/unknown-value.ts'
import type { KeyMistake } from './client-rules.ts'
import { CERTIFICATE_NAMES } from './client-schema.ts'
import { parseDistinguishedName } from './distinguished-name.ts'

type CertificateName = (typeof CERTIFICATE_NAMES)[number]

const isGiven = (value: unknown) => value !== undefined && value !== null

export function certificateMistakes(client: Item): KeyMistake[] {
  const bothBound =
    client.tls_client_certificate_bound_access_tokens === true && client.dpop_bound_access_tokens === true
  return [
    ...nameMistakes(client),
    ...(client.token_endpoint_auth_method === 'self_signed_tls_client_auth'
      ? registeredMistakes(client)
      : []),
    ...(bothBound
      ? [
          {
            key: ['tls_client_certificate_bound_access_tokens'],
            message: 'cannot be true together with dpop_bound_access_tokens: a token is bound to one thing',
          },
        ]
      : []),
  ]
}

function nameMistakes(client: Item): KeyMistake[] {
  const [first, ...others] = CERTIFICATE_NAMES.filter(name => isGiven(client[name]))
  if (client.token_endpoint_auth_method !== 'tls_client_auth')
    return first === undefined
      ? []
      : [{ key: [first], message: 'is for token_endpoint_auth_method tls_client_auth only' }]
  if (first === undefined)
    return [
      {
        key: ['token_endpoint_auth_method'],
        message: `tls_client_auth needs to know the certificate: give one of ${CERTIFICATE_NAMES.join(', ')}`,
      },
    ]
  const value = textOf(client[first])
  const message = value === undefined || value === '' ? undefined : valueMistake(first, value)
  return [
    ...others.map(name => ({ key: [name], message: `cannot be given together with ${first}: keep one` })),
    ...(message === undefined ? [] : [{ key: [first], message }]),
  ]
}

/** Compared with the certificate as what it is: what none can have would be refused at every request. */
function valueMistake(name: CertificateName, value: string): string | undefined {
  if (/\p{Cc}/u.test(value)) return 'must be one line, without control characters'
  switch (name) {
    case 'tls_client_auth_subject_dn': {
      const parsed = parseDistinguishedName(value)
      return typeof parsed === 'string' ? parsed : undefined
    }
    case 'tls_client_auth_san_dns':
      return /^(?:\*\.)?(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*$/.test(value) &&
        value.length <= 253
        ? undefined
        : 'must be a host name, such as billing.example.com'
    case 'tls_client_auth_san_uri':
      return /^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$/.test(value)
        ? undefined
        : 'must be a URI, such as spiffe://example.com/billing'
    case 'tls_client_auth_san_ip':
      return isIP(value) === 0 || value.includes('%') ? 'must be an IP address' : undefined
    case 'tls_client_auth_san_email':
      return /^[!-?A-~]+@[A-Za-z0-9.-]+$/.test(value) ? undefined : 'must be an e-mail address'
  }
}

/** Its certificates are in the `x5c` of its keys, or at an address (RFC 8705, section 2.2.2). */
function registeredMistakes(client: Item): KeyMistake[] {
  if (!isGiven(client.jwks) && !isGiven(client.jwks_uri))
    return [
      {
        key: ['jwks'],
        message:
          'is missing: self_signed_tls_client_auth needs the certificates here, in the x5c of a key, or their address in jwks_uri',
      },
    ]
  const list = recordOf(client.jwks)?.keys
  if (!Array.isArray(list) || list.length === 0) return []
  const keys = list.map(recordOf)
  const found = keys.flatMap((key, index) => {
    const message = key && certificateMistake(key)
    return message === undefined ? [] : [{ key: ['jwks', 'keys', index, 'x5c'], message }]
  })
  if (found.length > 0 || keys.some(key => Array.isArray(key?.x5c) && key.x5c.length > 0)) return found
  return [{ key: ['jwks', 'keys'], message: 'has no certificate: give one in the x5c of a key' }]
}

/** The certificate comes first, and its key is the key it stands in (RFC 7517, section 4.7). */
function certificateMistake({ x5c, ...key }: Item): string | undefined {
  if (!Array.isArray(x5c) || x5c.length === 0) return undefined
  const text = textOf(x5c[0])
  const certificate = text === undefined ? undefined : readCertificate(text)
  if (!certificate) return 'must begin with a certificate: DER in base64, without the lines of PEM'
  return isKeyOf(certificate, key) ? undefined : 'has a certificate for another key than the one it stands in'
}

function readCertificate(text: string): X509Certificate | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  try {
    return new X509Certificate(Buffer.from(text, 'base64'))
  } catch {
    return undefined
  }
}

/** Not with KeyObject.equals: it leaves an error behind for keys of different types, with which Node ends the process. */
function isKeyOf(certificate: X509Certificate, key: Item): boolean {
  const jwk = Object.fromEntries(Object.entries(key).filter(([, value]) => typeof value === 'string'))
  try {
    return spki(createPublicKey({ key: jwk, format: 'jwk' })).equals(spki(certificate.publicKey))
  } catch {
    return false
  }
}

const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'der' })
