/**
 * The library uses a code or a refresh token up before it looks at the parameter `resource`. A request that names none
 * of several, or one that was not granted (RFC 8707, section 2.2), must leave the token as it was: the client may ask
 * again. So the stores of both ask here before they say that they found one that is good.
 */
import { type AdapterPayload, errors, Provider } from 'oidc-provider'

const listOf = (value: unknown): readonly unknown[] => (value === undefined ? [] : [value].flat())

/**
 * In a token request of the client that the token belongs to.
 * @returns what the access token will be for; undefined: for /userinfo only, or this is another request
 * @throws errors.InvalidTarget
 */
export function checkGrantedResource({ clientId, resource }: AdapterPayload): string | undefined {
  const oidc = Provider.ctx?.oidc
  if (oidc?.route !== 'token' || oidc.client?.clientId !== clientId) return undefined
  const granted = listOf(resource)
  const { resource: asked } = oidc.params ?? {}
  const wanted = asked === undefined ? granted : listOf(asked)
  if (wanted.length > 1) throw new errors.InvalidTarget('an access token is for one resource: name it')
  if (!wanted.every(one => granted.includes(one))) throw new errors.InvalidTarget('resource was not granted')
  const [only] = wanted
  return typeof only === 'string' ? only : undefined
}
