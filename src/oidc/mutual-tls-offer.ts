/**
 * What of RFC 8705 this server can do with its settings: without a way for certificates to get here it offers nothing that
 * needs one. The library always knows all of it, so that a client which was described for later is refused as one without
 * a certificate, and not as one that cannot be read.
 */
import type { Middleware } from 'koa'
import type { Client } from '../clients/client.ts'
import { CERTIFICATE_METHODS } from '../clients/client-schema.ts'
import type { Config } from '../config.ts'
import { Problem } from '../http/problem.ts'
import { recordOf } from '../http/unknown-value.ts'
import { endpointAliases } from './mtls-origin.ts'
import { isPublishedMetadata } from './published-documents.ts'

type CertificateMethod = (typeof CERTIFICATE_METHODS)[number]

/** The methods of client authentication by a certificate that can succeed; binding can where there is any. */
export function offeredMethods(
  config: Pick<Config, 'tlsPort' | 'clientCertificateHeader' | 'tlsClientCa'>,
): readonly CertificateMethod[] {
  if (config.tlsPort === undefined && config.clientCertificateHeader === undefined) return []
  return config.tlsClientCa === undefined ? ['self_signed_tls_client_auth'] : CERTIFICATE_METHODS
}

const isByCertificate = (method: unknown): method is CertificateMethod =>
  CERTIFICATE_METHODS.some(one => one === method)

/** Discovery, of the library's words those that are true here. */
export function sayWhatIsOffered(config: Config): Middleware {
  const offered = offeredMethods(config)
  return async (ctx, next) => {
    await next()
    const document = isPublishedMetadata(ctx.path) ? recordOf(ctx.body) : undefined
    if (!document || ctx.status !== 200) return
    const { tls_client_certificate_bound_access_tokens: bound, ...said } = document
    ctx.body = {
      ...Object.fromEntries(
        Object.entries(said).map(([key, value]) => [
          key,
          /_auth_methods_supported$/.test(key) && Array.isArray(value)
            ? value.filter(method => !isByCertificate(method) || offered.includes(method))
            : value,
        ]),
      ),
      ...(offered.length > 0 && { tls_client_certificate_bound_access_tokens: bound }),
      ...(offered.length > 0 &&
        config.mtlsOrigin !== undefined && {
          mtls_endpoint_aliases: endpointAliases(said, config.mtlsOrigin),
        }),
    }
  }
}

/** A client that registers itself cannot know what is missing here. @throws Problem 400 */
export function refuseWhatIsNotOffered(
  config: Config,
  client: Pick<Client, 'tokenEndpointAuthMethod' | 'tlsClientCertificateBoundAccessTokens'>,
): void {
  const offered = offeredMethods(config)
  const { tokenEndpointAuthMethod: method, tlsClientCertificateBoundAccessTokens: isBound } = client
  const refused = isByCertificate(method) && !offered.includes(method)
  if (refused) throw notOffered(`token_endpoint_auth_method ${method}`)
  if (isBound && offered.length === 0) throw notOffered('tls_client_certificate_bound_access_tokens')
}

const notOffered = (what: string) =>
  new Problem(400, 'invalid_client_metadata', `${what} is not offered here: leave it out`)
