/**
 * Access tokens. Opaque ones are rows; JWTs are not stored and are resolved from the token itself. Either way the answer
 * is what the token may do now: its scopes, less what its client or account has lost since.
 */
import { sql } from 'kysely'
import { type AdapterPayload, Provider } from 'oidc-provider'
import { asOfNow, type IssuedToken, type JudgeOrigin } from '../../credentials/as-of-now.ts'
import { accountBehind, exchangedFrom, grantsBehind } from '../../credentials/exchanged.ts'
import {
  issuedJwt,
  type JwtAccessToken,
  looksLikeJwt,
  type VerifyJwtAccessToken,
} from '../../credentials/jwt-access-token.ts'
import { transaction } from '../../db/transaction.ts'
import { hashCandidates, hashSecret } from '../../secrets/hash.ts'
import type { OidcDeps } from '../deps.ts'
import { shownOfExchange } from '../exchanged-token.ts'
import { findPresentedJwt, isNowhereStored, presentedJwt } from '../presented-token.ts'
import { type AccessTokenKind, findStoredAccessToken, publicId } from '../stored-access-token.ts'
import { isGrantAlive } from './grant-store.ts'
import { type Store, without } from './store.ts'

interface Found {
  readonly kind: unknown
  readonly issued: IssuedToken
  readonly payload: AdapterPayload
}

function toPayload(claims: JwtAccessToken): AdapterPayload {
  const { jti, iat, exp, aud, scope, client_id: clientId, sub, grant_id: grantId, cnf } = claims
  return {
    jti,
    iat,
    exp,
    aud,
    clientId,
    kind: grantId === undefined ? 'ClientCredentials' : 'AccessToken',
    ...(scope !== undefined && { scope }),
    ...(grantId !== undefined && { grantId, accountId: sub }),
    ...(cnf?.jkt !== undefined && { jkt: cnf.jkt }),
    ...(cnf?.['x5t#S256'] !== undefined && { 'x5t#S256': cnf['x5t#S256'] }),
    extra: grantId === undefined ? shownOfExchange(claims) : { grant_id: grantId },
  }
}

export function accessTokenStore(
  deps: OidcDeps,
  kind: AccessTokenKind,
  verifyJwt: VerifyJwtAccessToken,
): Store {
  const { db, keyring, revocations, changeLog } = deps

  async function findJwt(jwt: string): Promise<Found | undefined> {
    const claims = await verifyJwt(jwt)
    const payload = claims && toPayload(claims)
    return payload && { kind: payload.kind, issued: issuedJwt(claims), payload }
  }

  /** As it would be introspected itself: who asks has the request and knows what it proves. */
  const judgeOrigin: JudgeOrigin = (id, resource) =>
    deps.origins.judge(id, { resource }, { introspection: true })

  /** The payload with the scopes that are still allowed; undefined when its owner or all it could do is gone. */
  async function payloadOfNow({ issued, payload }: Found): Promise<AdapterPayload | undefined> {
    const now = await asOfNow(deps, issued, undefined, judgeOrigin)
    if (!now) return undefined
    // The library looks after the grant of a token of its own; of one that was exchanged it knows none.
    for (const grant of issued.exchanged ? grantsBehind(issued) : [])
      if (!(await isGrantAlive(db, grant))) return undefined
    const { scope: _issued, ...rest } = payload
    return now.scopes.length > 0 ? { ...rest, scope: now.scopes.join(' ') } : rest
  }

  /** /userinfo opens with any access token of a grant that holds `openid`, whatever its audience. */
  async function forUserinfo(payload: AdapterPayload): Promise<AdapterPayload | undefined> {
    if (payload.aud === undefined || payload.grantId === undefined) return payload
    const { aud: _audience, ...rest } = payload
    const grant = await Provider.ctx?.oidc.provider.Grant.find(payload.grantId)
    return { ...rest, scope: grant?.getOIDCScope() ?? '' }
  }

  /** Its row goes; what it was exchanged for hears of it by its public id. */
  const destroyOpaque = (token: string) =>
    transaction(db, async tx => {
      const rows = await tx
        .deleteFrom('access_token')
        .where('id_hash', 'in', hashCandidates(keyring, token))
        .returning(['id_hash', 'expires_at'])
        .execute()
      const ended = rows.map(({ id_hash: hash, expires_at: expiresAt }) => ({
        id: publicId(hash),
        expiresAt,
      }))
      if (ended.length > 0)
        await revocations.revokeAll(
          tx,
          ended.map(one => ({ kind: 'token', reason: 'revoked', ...one })),
        )
    })

  return {
    async find(id) {
      const route = Provider.ctx?.oidc.route
      const jwt = route === 'userinfo' && looksLikeJwt(id) ? id : findPresentedJwt(id)
      if (jwt === undefined && isNowhereStored(id)) return undefined
      const found = await (jwt === undefined ? findStoredAccessToken(deps, id) : findJwt(jwt))
      const current = found?.kind === kind ? await payloadOfNow(found) : undefined
      return current && route === 'userinfo' ? forUserinfo(current) : current
    },

    async upsert(id, payload, expiresIn) {
      const rest = JSON.stringify(without(payload, 'jti', 'clientId', 'grantId', 'accountId', 'exp'))
      const { hash, pepperId } = hashSecret(keyring, id)
      const accountId = payload.accountId ?? accountBehind(exchangedFrom(payload.extra ?? {}))
      await sql`
        INSERT INTO access_token (id_hash, pepper_id, kind, grant_id, client_id, account_id, payload, expires_at)
        VALUES (${hash}, ${pepperId}, ${kind}, ${payload.grantId ?? null}, ${payload.clientId},
          ${accountId ?? null}, ${rest}::jsonb, clock_timestamp() + make_interval(secs => ${expiresIn}))
      `.execute(db)
    },

    async destroy(id) {
      const jwt = presentedJwt()
      const claims = jwt === undefined ? undefined : await verifyJwt(jwt)
      if (claims?.jti !== id) {
        await destroyOpaque(id)
      } else {
        const expiresAt = new Date(claims.exp * 1000)
        await transaction(db, tx =>
          revocations.revoke(tx, { kind: 'token', id, reason: 'revoked', expiresAt }),
        )
      }
      await changeLog.catchUp()
    },
  }
}
