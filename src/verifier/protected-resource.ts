/**
 * How an API says which authorization server it trusts (RFC 9728): the document under /.well-known, its address, and
 * the challenge that leads to it. MCP clients begin here. Published as `latchkey/protected-resource`; the resource pages
 * of the developer room show the same document. It does no I/O and imports nothing.
 */

export interface ProtectedResource {
  /**
   * The resource identifier, letter by letter as Latchkey has it: the `aud` of its tokens. Here it is an http(s) URL
   * without a fragment; plain http is for loopback addresses.
   */
  readonly resource: string
  /** Issuers of the authorization servers that give tokens for it: Latchkey's ISSUER. */
  readonly authorizationServers: readonly string[]
  /** Scopes that are worth asking for. Clients ask for all of them when no challenge names any. */
  readonly scopes?: readonly string[] | undefined
  /** For people. */
  readonly name?: string | undefined
  /** An http(s) URL of a page for developers. */
  readonly documentation?: string | undefined
  /** Tokens must be bound to a key (RFC 9449). */
  readonly dpopRequired?: boolean | undefined
}

/** RFC 9728, section 2: what the document says. */
export interface ProtectedResourceMetadata {
  readonly resource: string
  readonly authorization_servers: readonly string[]
  readonly scopes_supported?: readonly string[]
  readonly bearer_methods_supported: readonly ['header']
  readonly resource_name?: string
  readonly resource_documentation?: string
  readonly dpop_bound_access_tokens_required?: true
}

/**
 * The document, to be served as JSON at `protectedResourceMetadataUrl(resource)`, to anybody and to every origin.
 * @throws TypeError for a resource that cannot have one, or without an authorization server
 */
export function protectedResourceMetadata(described: ProtectedResource): ProtectedResourceMetadata {
  const { resource, authorizationServers, scopes = [], name, documentation, dpopRequired } = described
  webAddress(resource)
  if (authorizationServers.length === 0) throw new TypeError('At least one authorization server is needed')
  return {
    resource,
    authorization_servers: [...authorizationServers],
    ...(scopes.length > 0 && { scopes_supported: scopes.map(scopeToken) }),
    bearer_methods_supported: ['header'],
    ...(name !== undefined && { resource_name: name }),
    ...(documentation !== undefined && { resource_documentation: documentation }),
    ...(dpopRequired && { dpop_bound_access_tokens_required: true }),
  }
}

/**
 * Where the document is (RFC 9728, section 3.1): the well-known path stands between the host and the resource's own path.
 * @throws TypeError for a resource that cannot have one
 */
export function protectedResourceMetadataUrl(resource: string): string {
  const { origin, pathname, search } = webAddress(resource)
  return `${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}${search}`
}

export interface BearerChallenge {
  readonly resource: string
  /** Why a token that came was not good enough (RFC 6750, section 3.1). Left out: none came. */
  readonly error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | undefined
  /** One sentence for a developer. */
  readonly description?: string | undefined
  /** All that is needed for this request: clients ask for exactly these. */
  readonly scopes?: readonly string[] | undefined
}

/**
 * The value of `WWW-Authenticate` for a 401 or 403 (RFC 9728, section 5.1).
 * @throws TypeError for a resource that cannot have a document, or a text that no header can hold
 */
export function bearerChallenge({ resource, error, description, scopes = [] }: BearerChallenge): string {
  const parameters = {
    resource_metadata: protectedResourceMetadataUrl(resource),
    error,
    error_description: description,
    scope: scopes.length > 0 ? scopes.map(scopeToken).join(' ') : undefined,
  }
  const written = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${quoted(value)}`],
  )
  return `Bearer ${written.join(', ')}`
}

/** Whether there can be such a document: not for `urn:example:api`, for instance. */
export const canHaveMetadata = (resource: string): boolean => mistakeIn(resource) === undefined

function webAddress(resource: string): URL {
  const mistake = mistakeIn(resource)
  if (mistake !== undefined) throw new TypeError(`${resource} ${mistake}`)
  return new URL(resource)
}

function mistakeIn(resource: string): string | undefined {
  const url = URL.parse(resource)
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    return 'is not an http(s) URL: only such a resource can have metadata'
  if (resource.includes('#')) return 'has a fragment'
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    return 'must use https: plain http is for loopback addresses'
  return undefined
}

const isLoopback = (hostname: string) =>
  hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)

/** RFC 6749, section 3.3. */
function scopeToken(scope: string): string {
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))
    throw new TypeError(`${JSON.stringify(scope)} is not a scope`)
  return scope
}

/** RFC 9110, section 5.6.4, without what RFC 6750 leaves out. */
function quoted(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text))
    throw new TypeError('A challenge holds visible ASCII characters and spaces')
  return `"${text.replace(/["\\]/g, "'")}"`
}
