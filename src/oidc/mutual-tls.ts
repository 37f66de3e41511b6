/**
 * Certificates of clients at the provider (RFC 8705): with which one a client proves who it is, and to which its tokens are
 * bound. Where a certificate comes from was decided before (http/client-certificate.ts); one that is out of its time counts
 * as none.
 */
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { type ClientCertificate, isInTime } from '../http/client-certificate.ts'
import type { Context } from '../http/context.ts'

type MutualTls = NonNullable<NonNullable<Configuration['features']>['mTLS']>

export function mutualTls(): MutualTls {
  return {
    enabled: true,
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: true,
    tlsClientAuth: true,
    getCertificate: ctx => certificateOf(ctx)?.der.toString('base64'),
    certificateAuthorized: () => false,
    certificateSubjectMatches: () => false,
  }
}

/** Undefined without one, and when it is out of its time. */
export function certificateOf(ctx: KoaContextWithOIDC): ClientCertificate | undefined {
  const { clientCertificate } = (ctx as unknown as Context).state
  return clientCertificate && isInTime(clientCertificate, new Date()) ? clientCertificate : undefined
}
