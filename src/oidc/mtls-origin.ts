/**
 * The endpoints for clients that show certificates at an origin of their own (MTLS_ORIGIN; RFC 8705, section 5). They are the
 * same endpoints: what a client signs for the address at which it asked is good there.
 */
import { Provider } from 'oidc-provider'
import type { Context } from '../http/context.ts'

/** Those at which a client proves who it is or shows a token, by the library's name of the route: the key of discovery. */
const ENDPOINTS: ReadonlyMap<string, string> = new Map([
  ['token', 'token_endpoint'],
  ['revocation', 'revocation_endpoint'],
  ['introspection', 'introspection_endpoint'],
  ['pushed_authorization_request', 'pushed_authorization_request_endpoint'],
  ['device_authorization', 'device_authorization_endpoint'],
  ['userinfo', 'userinfo_endpoint'],
])

/** `mtls_endpoint_aliases` of what discovery says. */
export function endpointAliases(
  discovery: Readonly<Record<string, unknown>>,
  origin: string,
): Record<string, string> {
  const names = [...ENDPOINTS.values()]
  return Object.fromEntries(
    names.flatMap(name => {
      const endpoint = discovery[name]
      return typeof endpoint === 'string' ? [[name, atOrigin(endpoint, origin)]] : []
    }),
  )
}

/** Of DPoP proofs the address at which the request came is compared, and assertions may be for it, too. */
export function takeWhatWasSignedForEither(provider: Provider): void {
  const { prototype } = provider.OIDCContext
  const { urlFor, clientJwtAuthExpectedAudience } = prototype
  const here = (url: string, route: string) => {
    const { askedAt } = (Provider.ctx as unknown as Context | undefined)?.state ?? {}
    return askedAt === undefined || !ENDPOINTS.has(route) ? url : atOrigin(url, askedAt)
  }
  prototype.urlFor = function urlForAsked(name, options) {
    const url = urlFor.call(this, name, options)
    return name === this.route ? here(url, name) : url
  }
  prototype.clientJwtAuthExpectedAudience = function audiences() {
    const atIssuer = [urlFor.call(this, 'token'), urlFor.call(this, this.route)]
    return new Set([...clientJwtAuthExpectedAudience.call(this), ...atIssuer])
  }
}

function atOrigin(url: string, origin: string): string {
  const { pathname } = new URL(url)
  return `${origin}${pathname}`
}
