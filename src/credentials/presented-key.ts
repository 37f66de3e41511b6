/**
 * Where API keys and personal access tokens are presented: `Authorization: Bearer` or `DPoP` (ours only: anything else
 * there is an access token), `Authorization: ApiKey`, `X-API-Key`, and the header that the operator chose (API_KEY_HEADER).
 */
import type { RequestView } from '../http/request-view.ts'
import { looksMinted } from '../secrets/minted-format.ts'
import { findAuthorization } from './authorization.ts'
import type { Wanted } from './kind.ts'
import { ambiguousCredentials } from './refusals.ts'
import { isSimplySigned } from './simple-signature.ts'

/**
 * The key or token of the request, whichever of the two it is.
 * @throws Problem 400 `ambiguous_credentials` when a key header comes twice or beside an Authorization header
 */
export function findPresentedKey(request: RequestView, extraHeader: string | undefined): string | undefined {
  if (isSimplySigned(request)) return undefined
  const inHeaders = request.all('x-api-key')
  const inExtra = extraHeader === undefined || extraHeader === 'x-api-key' ? [] : request.all(extraHeader)
  const sent = findAuthorization(request)
  if (inHeaders.length + inExtra.length > 0) {
    if (inHeaders.length + inExtra.length > 1 || sent) throw ambiguousCredentials()
    return (inHeaders[0] ?? inExtra[0] ?? '').trim()
  }
  if (sent?.scheme === 'apikey') return sent.credentials
  const isToken = sent?.scheme === 'bearer' || sent?.scheme === 'dpop'
  return isToken && looksMinted(sent.credentials) ? sent.credentials : undefined
}

/** The request says where it comes from, unless whoever asks knows better, and what was proved beside the key. */
export function from(request: RequestView, wanted: Wanted): Wanted {
  const userAgent = request.header('user-agent')
  return { address: request.address, ...(userAgent !== undefined && { userAgent }), ...wanted, request }
}
