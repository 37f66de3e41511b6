/**
 * JWT access tokens (RFC 9068), judged here: signature, `iss`, `typ`, `exp`, `nbf`. What a token says and who signed it cannot
 * change, so a good one is remembered, by its SHA-256 and for as long as the keys are the same; its times and its status are
 * looked at every time.
 */
import { hash } from 'node:crypto'
import { BoundedMap } from './bounded-map.ts'
import type { AccessTokenIdentity, Actor, Confirmation } from './identity.ts'
import { type Claims, type KeySet, verifyJws } from './jws.ts'
import type { PublishedKeys } from './published-keys.ts'
import { type StatusReference, statusOf } from './status-lists.ts'

export interface AccessToken {
  readonly identity: AccessTokenIdentity
  readonly audiences: readonly string[]
  /** Seconds since 1970. */
  readonly exp: number
  readonly nbf: number
  readonly cnf: Confirmation | undefined
  readonly status: StatusReference | undefined
}

export interface AccessTokens {
  /**
   * The token, whether or not it has expired. Without a promise when the keys are at hand and have signed it.
   * @returns undefined: malformed, of another issuer or type, not signed by one of Latchkey's keys
   * @throws Unavailable
   */
  read(token: string): AccessToken | undefined | Promise<AccessToken | undefined>
}

export interface AccessTokensOptions {
  readonly issuer: string
  readonly resource: string
  readonly keys: PublishedKeys
  /** Tokens that are remembered. */
  readonly most: number
}

export function accessTokens({ issuer, resource, keys, most }: AccessTokensOptions): AccessTokens {
  let known: { readonly set: KeySet; readonly tokens: BoundedMap<AccessToken> } | undefined

  const rememberedWith = (set: KeySet) => {
    if (known?.set !== set) known = { set, tokens: new BoundedMap(most) }
    return known.tokens
  }

  async function readLater(token: string): Promise<AccessToken | undefined> {
    const claims = await keys.verify(token, 'at+jwt')
    return claims && accessTokenFrom(claims, issuer, resource)
  }

  return {
    read(token) {
      const set = keys.fresh()
      if (!set) return readLater(token)
      const tokens = rememberedWith(set)
      const digest = most > 0 ? hash('sha256', token, 'base64') : ''
      const remembered = tokens.get(digest)
      if (remembered) return remembered
      const claims = verifyJws(token, 'at+jwt', set)
      if (claims === 'unknown_key') return readLater(token)
      const read = claims && accessTokenFrom(claims, issuer, resource)
      if (read) tokens.set(digest, read)
      return read
    },
  }
}

/** Undefined for what is no access token of this issuer (RFC 9068, section 4). */
function accessTokenFrom(claims: Claims, issuer: string, resource: string): AccessToken | undefined {
  const { iss, jti, sub, aud, client_id, iat, exp, nbf, scope, grant_id, acr, cnf, act, env } = claims
  const { exchanged_from: sources } = claims
  const audiences = typeof aud === 'string' ? [aud] : Array.isArray(aud) ? aud : []
  const status = statusOf(claims, issuer)
  if (iss !== issuer || status === 'malformed' || !isOptional(cnf, isConfirmation)) return undefined
  if (!isText(jti) || !isText(sub) || !isText(client_id) || !audiences.every(isText)) return undefined
  if (!isTime(iat) || !isTime(exp) || !isOptional(nbf, isTime)) return undefined
  if (!isOptional(scope, isText) || !isOptional(grant_id, isText) || !isOptional(acr, isText))
    return undefined
  if (!isOptional(act, isActor) || !isOptional(env, isText) || !isOptional(sources, isList)) return undefined
  const isPersons =
    grant_id !== undefined || sources?.some(source => isList(source) && source[0] === 'account')
  return {
    audiences,
    exp,
    nbf: nbf ?? 0,
    cnf,
    status,
    identity: Object.freeze({
      kind: 'access-token',
      credentialId: jti,
      subject: Object.freeze({ type: isPersons ? 'account' : 'client', id: sub }),
      clientId: client_id,
      resource,
      scopes: Object.freeze(scope?.split(' ').filter(Boolean) ?? []),
      issuedAt: new Date(iat * 1000),
      expiresAt: new Date(exp * 1000),
      ...(acr !== undefined && { acr }),
      ...(cnf !== undefined && { cnf: Object.freeze(cnf) }),
      ...(act !== undefined && { act: Object.freeze(act) }),
      ...(env !== undefined && { env }),
      answerHeaders: NONE,
    }),
  }
}

const NONE = Object.freeze([])
const isText = (value: unknown): value is string => typeof value === 'string'
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)
const isActor = (value: unknown): value is Actor =>
  typeof value === 'object' && value !== null && 'sub' in value && isText(value.sub)
const isConfirmation = (value: unknown): value is Confirmation =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function isOptional<T>(value: unknown, is: (value: unknown) => value is T): value is T | undefined {
  return value === undefined || is(value)
}
