/** Opaque access tokens as they are stored: one reading for the library's store and for the credential kind. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { AdapterPayload } from 'oidc-provider'
import type { IssuedToken } from '../credentials/as-of-now.ts'
import { exchangedFrom } from '../credentials/exchanged.ts'
import { hashCandidates } from '../secrets/hash.ts'
import type { OidcDeps } from './deps.ts'
import { shownOfExchange } from './exchanged-token.ts'
import { epoch } from './sealed-document.ts'

export type AccessTokenKind = 'AccessToken' | 'ClientCredentials'

export interface StoredAccessToken {
  readonly kind: AccessTokenKind
  readonly issued: IssuedToken
  /** In the library's words; its `jti` is the token itself. */
  readonly payload: AdapterPayload
}

/** Neither the token nor the key of its row. */
export const publicId = (idHash: Buffer): string =>
  createHash('sha256').update(idHash).digest('base64url').slice(0, 22)

/** Undefined when unknown or expired, by the database's clock. */
export async function findStoredAccessToken(
  { db, keyring }: Pick<OidcDeps, 'db' | 'keyring'>,
  token: string,
): Promise<StoredAccessToken | undefined> {
  const row = await db
    .selectFrom('access_token')
    .selectAll()
    .where('id_hash', 'in', hashCandidates(keyring, token))
    .where('expires_at', '>', sql<Date>`clock_timestamp()`)
    .executeTakeFirst()
  if (!row) return undefined
  const refs = {
    clientId: row.client_id,
    ...(row.grant_id !== null && { grantId: row.grant_id }),
    ...(row.account_id !== null && { accountId: row.account_id }),
  }
  const payload: AdapterPayload = { ...row.payload, ...refs, jti: token, exp: epoch(row.expires_at) }
  const { aud, scope, extra } = payload
  const exchanged = extra && exchangedFrom(extra)
  return {
    kind: row.kind,
    payload: exchanged && extra ? { ...payload, extra: shownOfExchange(extra) } : payload,
    issued: {
      ...refs,
      id: publicId(row.id_hash),
      ...(typeof aud === 'string' && { audience: aud }),
      scopes: scope?.split(' ') ?? [],
      issuedAt: row.created_at,
      expiresAt: row.expires_at,
      ...(typeof extra?.acr === 'string' && { acr: extra.acr }),
      ...confirmationOf(payload),
      ...(exchanged && { exchanged }),
    },
  }
}

function confirmationOf({ jkt, 'x5t#S256': x5t }: AdapterPayload): Pick<IssuedToken, 'cnf'> {
  if (jkt === undefined && x5t === undefined) return {}
  return { cnf: { ...(jkt !== undefined && { jkt }), ...(x5t !== undefined && { 'x5t#S256': x5t }) } }
}
