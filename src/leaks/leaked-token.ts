/**
 * OAuth tokens. An access token ends alone, as with RFC 7009; a refresh token ends with its grant and all that came from
 * it. That one was noticed before is remembered for a while: their rows are short-lived, and a JWT has none.
 */
import { paths } from '../../views/layout/paths.ts'
import type { AccessTokens } from '../credentials/access-token.ts'
import { asOfNow, type IssuedToken } from '../credentials/as-of-now.ts'
import { grantsBehind } from '../credentials/exchanged.ts'
import { issuedJwt, looksLikeJwt } from '../credentials/jwt-access-token.ts'
import { rememberOnce } from '../credentials/replay.ts'
import type { Tx } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import type { OidcDeps } from '../oidc/deps.ts'
import { findRefreshToken } from '../oidc/find-refresh-token.ts'
import { endGrant } from '../oidc/grant.ts'
import { hashSecret } from '../secrets/hash.ts'
import type { FindLeaked, Leaked } from './leaked.ts'

export interface LeakedTokenDeps extends OidcDeps {
  readonly accessTokens: AccessTokens
}

/** Longer than a refresh token lives. */
const REMEMBERED_SECONDS = 91 * 86_400

export function findLeakedTokens(deps: LeakedTokenDeps): FindLeaked {
  const { db, keyring, clients, accessTokens, audit, revocations, changeLog } = deps

  const mark = (kind: string, id: string) => (tx: Tx) =>
    rememberOnce(tx, hashSecret(keyring, JSON.stringify(['leak', kind, id])).hash, REMEMBERED_SECONDS)

  async function ownerOf(clientId: string, accountId: string | undefined) {
    const client = await clients.find(clientId)
    return {
      clientId,
      name: client?.clientName ?? clientId,
      ...(accountId === undefined
        ? {
            owner: { type: 'client', id: clientId } as const,
            page: `${paths.clients}/${encodeURIComponent(clientId)}`,
          }
        : { owner: { type: 'account', id: accountId } as const, page: paths.applications }),
    }
  }

  async function isAlive(token: IssuedToken): Promise<boolean> {
    for (const grant of grantsBehind(token)) if (!(await accessTokens.isGrantAlive(grant))) return false
    return (await asOfNow(deps, token)) !== undefined
  }

  async function accessToken(token: IssuedToken): Promise<Leaked> {
    const { id, clientId, accountId, expiresAt } = token
    const kind = 'access-token'
    return {
      kind,
      id,
      ...(await ownerOf(clientId, accountId)),
      alive: await isAlive(token),
      mark: mark(kind, id),
      async end(_how, source) {
        await transaction(db, async tx => {
          await revocations.revoke(tx, { kind: 'token', id, reason: 'leaked', expiresAt })
          await audit.record(tx, {
            type: 'token_revoked',
            outcome: 'success',
            actor: { type: 'system' },
            subject:
              accountId === undefined ? { type: 'client', id: clientId } : { type: 'account', id: accountId },
            credential: { kind, id },
            clientId,
            source,
            detail: { reason: 'leaked' },
          })
        })
        await changeLog.catchUp()
      },
    }
  }

  async function refreshToken(text: string): Promise<Leaked[]> {
    const found = await findRefreshToken(deps, text)
    if (!found) return []
    const { grantId: id, clientId, accountId, alive } = found
    const kind = 'refresh-token'
    const owner = await ownerOf(clientId, accountId)
    return [{ kind, id, ...owner, alive, mark: mark(kind, id), end: () => endGrant(deps, id, 'leaked') }]
  }

  return async text => {
    if (looksLikeJwt(text)) {
      const claims = await accessTokens.verifyJwt(text)
      return claims ? [await accessToken(issuedJwt(claims))] : []
    }
    const opaque = await accessTokens.findOpaque(text)
    return opaque ? [await accessToken(opaque)] : refreshToken(text)
  }
}
