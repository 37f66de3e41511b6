/**
 * Addresses of a client's own server that this server calls: `jwks_uri` and `backchannel_logout_uri`. Whether the host may
 * be reached at all is decided when it is called.
 */
import { uriMistake, webMistake } from './redirect-uri.ts'

/** What is wrong with it, to follow its path in a message; undefined when it may be registered. */
export function calledUriMistake(uri: string): string | undefined {
  const mistake = uriMistake(uri)
  if (mistake !== undefined) return mistake
  const url = URL.parse(uri)
  if (!url) return 'must be an absolute URI, such as https://app.example.com/…'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must use https'
  return webMistake(uri, url, 'web')
}
