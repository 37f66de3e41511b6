/**
 * The certificates of a client with self_signed_tls_client_auth, as a form has them: PEM, one after the other. A client
 * has them as a JWK Set whose keys carry them in `x5c` (RFC 8705, section 2.2.2).
 */
import { X509Certificate } from 'node:crypto'
import type { JSONWebKeySet } from 'jose'

const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/** Undefined when anything else is in the text, or one of them cannot be read. */
export function keySetOf(pem: string): { keys: object[] } | undefined {
  if (pem.replace(PEM, '').trim() !== '') return undefined
  try {
    const keys = (pem.match(PEM) ?? []).map(text => {
      const { publicKey, raw } = new X509Certificate(text)
      return { ...publicKey.export({ format: 'jwk' }), x5c: [raw.toString('base64')] }
    })
    return { keys }
  } catch {
    return undefined
  }
}

export function pemOf(jwks: JSONWebKeySet | null): string {
  const ders = (jwks?.keys ?? []).flatMap(({ x5c = [] }) => x5c.slice(0, 1))
  return ders
    .map(der => der.replace(/.{64}(?=.)/g, '$&\n'))
    .map(lines => `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----`)
    .join('\n')
}
