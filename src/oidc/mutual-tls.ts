/**
 * Certificates of clients at the provider (RFC 8705): with which one a client proves who it is, and to which its tokens are
 * bound. Where a certificate comes from was decided before (http/shown-certificate.ts); one that is out of its time counts
 * as none.
 */
import { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider'
import { CERTIFICATE_NAMES } from '../clients/client-schema.ts'
import { isIssuedBy } from '../http/certificate-chain.ts'
import { type ClientCertificate, isInTime } from '../http/client-certificate.ts'
import type { Context } from '../http/context.ts'
import { hasName } from './certificate-name.ts'

type MutualTls = NonNullable<NonNullable<Configuration['features']>['mTLS']>

/** @param authorities in PEM, those of now: whose certificates are taken from clients with tls_client_auth */
export function mutualTls(authorities: () => readonly string[]): MutualTls {
  return {
    enabled: true,
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: true,
    tlsClientAuth: true,
    getCertificate: ctx => certificateOf(ctx)?.der.toString('base64'),
    certificateAuthorized(ctx) {
      const certificate = certificateOf(ctx)
      const issued = certificate && isIssuedBy(certificate, authorities(), new Date())
      if (issued?.ok === false) throw new errors.InvalidClientAuth(`client certificate: ${issued.reason}`)
      return issued !== undefined
    },
    certificateSubjectMatches(ctx, property, value) {
      const certificate = certificateOf(ctx)
      const name = CERTIFICATE_NAMES.find(one => one === property)
      return certificate !== undefined && name !== undefined && hasName(certificate, { name, value })
    },
  }
}

/** Undefined without one, and when it is out of its time. */
export function certificateOf(ctx: KoaContextWithOIDC): ClientCertificate | undefined {
  const { clientCertificate } = (ctx as unknown as Context).state
  return clientCertificate && isInTime(clientCertificate, new Date()) ? clientCertificate : undefined
}
