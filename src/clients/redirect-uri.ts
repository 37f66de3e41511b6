/**
 * Which redirect URIs a client may register (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §4.1.3). They are compared exactly
 * later, so nothing here may be read in two ways. The same rules hold for `post_logout_redirect_uris`.
 */
import type { ApplicationType } from './tables.ts'

const MAX_LENGTH = 2000
const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]']
/** RFC 3986: its characters, and percent-encoding that is complete. No backslash: browsers read it as a slash. */
const URI_CHARACTERS = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/
/** RFC 8252 §7.1: a domain name of the application's, in reverse. */
const PRIVATE_USE_SCHEME = /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:$/

/** What is wrong with it, to follow its path in a message; undefined when it may be registered. */
export function redirectUriMistake(uri: string, applicationType: ApplicationType): string | undefined {
  const mistake = uriMistake(uri)
  if (mistake !== undefined) return mistake
  if (uri.includes('*')) return 'must not have a wildcard (*): list every URI'
  const url = URL.parse(uri)
  if (!url) return 'must be an absolute URI, such as https://app.example.com/callback'
  if (url.protocol === 'https:' || url.protocol === 'http:') return webMistake(uri, url, applicationType)
  return customSchemeMistake(url, applicationType)
}

/** For every URI of a client that anybody is sent to. */
export function uriMistake(uri: string): string | undefined {
  if (uri.length > MAX_LENGTH) return `must have at most ${MAX_LENGTH} characters`
  if (!URI_CHARACTERS.test(uri))
    return 'must be a URI without spaces, control characters or other bare characters'
  if (uri.includes('#')) return 'must not have a fragment (#)'
  return undefined
}

/** For those with the scheme https or http. */
export function webMistake(uri: string, url: URL, applicationType: ApplicationType): string | undefined {
  if (!/^https?:\/\/[^/]/i.test(uri)) return 'must have // and a host after the scheme'
  if (url.username !== '' || url.password !== '' || hasUserinfo(uri))
    return 'must not have a user or password'
  const loopback = LOOPBACK_HOSTS.includes(url.hostname)
  if (url.protocol === 'http:' && !loopback)
    return 'must use https: plain http is for localhost, 127.0.0.1 and [::1] only'
  if (url.protocol === 'https:' && loopback && applicationType === 'native')
    return 'of a native application must use http on a loopback address, or https on a host of yours'
  return undefined
}

/** The URL parser drops an empty one. */
const hasUserinfo = (uri: string) => /^https?:\/\/[^/?]*@/i.test(uri)

function customSchemeMistake({ protocol }: URL, applicationType: ApplicationType): string | undefined {
  if (!PRIVATE_USE_SCHEME.test(protocol))
    return `must use https, or a scheme with a dot of your own domain such as com.example.app: (${protocol} is refused)`
  if (applicationType !== 'native')
    return 'must use https: only application_type native may have its own scheme'
  return undefined
}
