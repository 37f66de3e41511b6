// Client certificates for tests: registered with the product's own functions, shown as a proxy tells of them.
import { X509Certificate } from 'node:crypto'
import type { CertificateFields } from '../../src/credentials/client-certificate-input.ts'
import { registerCertificate } from '../../src/credentials/register-certificate.ts'
import { type MintingApp, SYSTEM } from './minted.ts'
import { ORDERS } from './orders.ts'
import { clientCredentialsOf } from './signing.ts'

type Wishes = Partial<Omit<Parameters<typeof registerCertificate>[2], 'kind'>>

/** For the client `billing`, unless the wishes say otherwise. Every node knows of it when the call returns. */
export function makeCertificate(app: MintingApp, certificate: CertificateFields, wishes: Wishes = {}) {
  const deps = { db: app.db, ...clientCredentialsOf(app) }
  const fields = {
    owner: { type: 'client', id: 'billing' } as const,
    name: 'billing on its machine',
    scopes: { [ORDERS]: ['read:orders', 'write:orders'] },
    ...wishes,
  }
  return registerCertificate(deps, SYSTEM, fields, certificate)
}

/** RFC 9440. @param chain PEM, the certificates above it */
export function certificateHeader(pem: string, chain = ''): Record<string, string> {
  const field = (one: string) => `:${new X509Certificate(one).raw.toString('base64')}:`
  const above = chain.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g) ?? []
  return {
    'client-cert': field(pem),
    ...(above.length > 0 && { 'client-cert-chain': above.map(field).join(', ') }),
  }
}
