/**
 * What the keys of one client must have to do with each other, whoever describes it: the declarative file, the JSON API or
 * a form. The names are RFC 7591's. Values of a wrong type are passed over: the schema speaks of those.
 */
import { formatPath, type Path, repeatedTexts } from '../http/field-errors.ts'
import type { FieldError } from '../http/problem.ts'
import { type Item, keysOf, placedTextsOf, recordOf, textOf, textsOf } from '../http/unknown-value.ts'
import { calledUriMistake } from './called-uri.ts'
import { certificateMistakes } from './client-certificate-rules.ts'
import { keyMistakes } from './client-key-rules.ts'
import { CERTIFICATE_METHODS, DEVICE_CODE, TOKEN_EXCHANGE } from './client-schema.ts'
import { redirectUriMistake } from './redirect-uri.ts'

/** @param openidScopes the scopes that are no resource's */
export function clientMistakes(client: Item, at: Path, openidScopes: readonly string[]): FieldError[] {
  return [
    ...pkceMistakes(client),
    ...grantTypeMistakes(client),
    ...defaultScopeMistakes(client, openidScopes),
    ...keyMistakes(client),
    ...certificateMistakes(client),
    ...calledMistakes(client, 'jwks_uri'),
    ...calledMistakes(client, 'backchannel_logout_uri'),
  ]
    .map(({ key, message }) => ({ path: formatPath([...at, ...key]), message }))
    .concat(uriMistakes(client, 'redirect_uris', at), uriMistakes(client, 'post_logout_redirect_uris', at))
    .concat(repeatedTexts(client.grant_types, [...at, 'grant_types']))
}

/** Where in a client, and what. */
export interface KeyMistake {
  readonly key: Path
  readonly message: string
}

/** It runs where its users can read everything, so it has no secret. */
export const isPublic = (client: Item) => client.token_endpoint_auth_method === 'none'

const WITHOUT_SECRET: readonly unknown[] = ['none', 'private_key_jwt', ...CERTIFICATE_METHODS]

/** One that signs assertions has keys instead (RFC 7523), or it shows a certificate (RFC 8705). */
export const keepsSecret = (client: Item) => !WITHOUT_SECRET.includes(client.token_endpoint_auth_method)

function pkceMistakes(client: Item): KeyMistake[] {
  return isPublic(client) && client.require_pkce === false
    ? [{ key: ['require_pkce'], message: 'can be false for confidential clients only' }]
    : []
}

function grantTypeMistakes(client: Item): KeyMistake[] {
  const found: KeyMistake[] = []
  const given = client.grant_types
  const types = given === undefined ? ['authorization_code'] : textsOf(given)
  const place = (type: string): Path => ['grant_types', textsOf(given).indexOf(type)]
  for (const type of ['client_credentials', TOKEN_EXCHANGE])
    if (types.includes(type) && isPublic(client))
      found.push({
        key: place(type),
        message: 'is for clients that authenticate: token_endpoint_auth_method is none',
      })
  const signsPeopleIn = types.includes('authorization_code') || types.includes(DEVICE_CODE)
  if (types.includes('refresh_token') && !signsPeopleIn)
    found.push({
      key: place('refresh_token'),
      message: `needs authorization_code or ${DEVICE_CODE} beside it`,
    })
  const uris = client.redirect_uris
  const none = uris === undefined || (Array.isArray(uris) && uris.length === 0)
  if (types.includes('authorization_code') && none)
    found.push({
      key: ['redirect_uris'],
      message: 'needs at least one: the client has the grant type authorization_code',
    })
  return found
}

function defaultScopeMistakes(client: Item, openidScopes: readonly string[]): KeyMistake[] {
  const scope = textOf(client.default_scope)
  if (scope === undefined) return []
  const key = ['default_scope']
  const ceiling = recordOf(client.resource_scopes)
  const allowed = new Set([
    ...openidScopes,
    ...keysOf(ceiling).flatMap(resource => textsOf(ceiling?.[resource])),
  ])
  const names = scope.split(' ')
  if (names.includes('')) return [{ key, message: 'must be scopes with one space between them' }]
  const outside = names.filter(name => !allowed.has(name))
  return outside.map(name => ({
    key,
    message: `names the scope ${JSON.stringify(name)}, which is not in the client's resource_scopes`,
  }))
}

function calledMistakes(client: Item, key: 'jwks_uri' | 'backchannel_logout_uri'): KeyMistake[] {
  const uri = textOf(client[key])
  const message = uri === undefined ? undefined : calledUriMistake(uri)
  return message === undefined ? [] : [{ key: [key], message }]
}

function uriMistakes(
  client: Item,
  key: 'redirect_uris' | 'post_logout_redirect_uris',
  at: Path,
): FieldError[] {
  const type = client.application_type === 'native' ? 'native' : 'web'
  const path = [...at, key]
  const wrong = placedTextsOf(client[key]).flatMap(({ index, text }) => {
    const message = redirectUriMistake(text, type)
    return message === undefined ? [] : [{ path: formatPath([...path, index]), message }]
  })
  return [...wrong, ...repeatedTexts(client[key], path)]
}
