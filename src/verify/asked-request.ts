/** What POST /v1/verify is asked about, as the credential kinds see a request. Nothing of the caller's own is in it. */
import { looksLikeJwt } from '../credentials/jwt-access-token.ts'
import { type ClientCertificate, pemCertificates, readClientCertificate } from '../http/client-certificate.ts'
import { validationFailed } from '../http/problem.ts'
import { describeRequest, type RequestView } from '../http/request-view.ts'
import { looksMinted } from '../secrets/minted-format.ts'
import type { VerifyBody } from './verify-schema.ts'

/**
 * A credential alone is seen as if it had come in `Authorization: Bearer`, where every kind with a token takes it. Only a
 * key that was imported from another system looks like nothing in particular: a text that may be one is seen a second time
 * as `X-API-Key`. The address is not known then, so a credential with an address list is refused: for that send the request.
 * @param issuer for a URL that is only a path
 * @returns the second counts when the first is not known
 * @throws Problem 400 `validation_failed` for a certificate that cannot be read
 */
export function askedRequests(
  { credential = '', request }: VerifyBody,
  issuer: string,
): [RequestView, RequestView?] {
  if (!request) {
    const alone = (name: string, value: string) =>
      describeRequest({ method: 'GET', url: `${issuer}/`, headers: [[name, value]] })
    const asBearer = alone('Authorization', `Bearer ${credential}`)
    const isOurs = looksMinted(credential) !== undefined || looksLikeJwt(credential)
    return isOurs ? [asBearer] : [asBearer, alone('X-API-Key', credential)]
  }
  const { method, url, headers, client_address, client_certificate, content_digest } = request
  const view = describeRequest({
    method,
    url: url.startsWith('/') ? `${issuer}${url}` : url,
    headers,
    ...(client_address !== undefined && { address: client_address }),
    ...(client_certificate !== undefined && { certificate: certificateIn(client_certificate) }),
    contentDigest: content_digest,
  })
  return [view]
}

/** The client's own first, then those that came with it. */
function certificateIn(pem: string): ClientCertificate {
  const [own, ...above] = pemCertificates(pem) ?? []
  const certificate = own && readClientCertificate(own, above)
  if (certificate) return certificate
  throw validationFailed([{ path: 'request.client_certificate', message: 'must be a certificate in PEM' }])
}
