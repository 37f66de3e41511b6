/**
 * A `client_id` that is the address of a document about the client (draft-ietf-oauth-client-id-metadata-document,
 * section 3). Which hosts may have such clients is the operator's to say: CLIENT_ID_METADATA_DOCUMENTS.
 */

/** As long as any other client_id. */
const MAX_LENGTH = 255

/**
 * The host, with its port unless it is 443, when `clientId` may be such an address: https, a path, nothing but host and
 * path, and written in the one way that URL parsers write it. Undefined for every other client_id.
 */
export function documentHost(clientId: string): string | undefined {
  if (!clientId.startsWith('https://') || clientId.length > MAX_LENGTH) return undefined
  const url = URL.parse(clientId)
  if (!url || url.href !== clientId || url.pathname === '/') return undefined
  const plain = url.username === '' && url.password === '' && !/[?#\\]/.test(clientId)
  return plain && !hasDots(url.pathname) ? url.host : undefined
}

/** Encoded ones: plain ones are gone once the address is as parsers write it. */
const hasDots = (path: string) => path.split('/').some(part => /^(?:\.|%2e){1,2}$/i.test(part))

/** @param allowed hosts; `*.example.com` is every name below example.com, without a port */
export function isDocumentAllowed(allowed: readonly string[], clientId: string): boolean {
  const host = documentHost(clientId)
  if (host === undefined) return false
  return allowed.some(one => (one.startsWith('*.') ? host.endsWith(one.slice(1)) : host === one))
}
