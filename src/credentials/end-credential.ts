/** A credential that ends itself, whatever kind it is: refused everywhere once the change log has been read. */
import type { BrowserSessions } from '../accounts/browser-session.ts'
import type { Audit, Source } from '../audit/audit.ts'
import { endSecret } from '../clients/client-secret.ts'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import type { Revocations } from '../revocation/revocation.ts'
import type { ClientCredentials } from './client-credential-life-cycle.ts'
import type { Identity } from './kind.ts'
import type { MintedTokens } from './minted-life-cycle.ts'

export interface EndCredentialDeps {
  readonly db: Db
  readonly audit: Audit
  readonly changeLog: ChangeLog
  readonly revocations: Revocations
  readonly minted: Pick<MintedTokens, 'revoke'>
  readonly clientCredentials: Pick<ClientCredentials, 'revoke'>
  /** From the oidc room. */
  readonly sessions: Pick<BrowserSessions, 'end'>
}

/** Ends it with everything that hangs on it, and says so in the audit. Refused here when the promise resolves. */
export type End = (identity: Identity, source: Source) => Promise<void>

/** How each kind that can end itself does; by the kind's name. */
export function endings(deps: EndCredentialDeps): Readonly<Record<string, End>> {
  const { db, audit, changeLog, revocations, minted, clientCredentials, sessions } = deps
  const endMinted: End = (identity, source) =>
    minted.revoke({ identity, source }, identity.credentialId, 'ended_itself')
  const endClientCredential: End = (identity, source) =>
    clientCredentials.revoke({ identity, source }, identity.credentialId, 'ended_itself')
  return {
    /** The token alone, as RFC 7009 does for an access token: its grant and its refresh token live on. */
    async 'access-token'({ kind, credentialId: id, subject, clientId, expiresAt = null }, source) {
      await transaction(db, async tx => {
        await revocations.revoke(tx, { kind: 'token', id, reason: 'ended_itself', expiresAt })
        await audit.record(tx, {
          type: 'token_revoked',
          outcome: 'success',
          actor: subject,
          subject,
          credential: { kind, id },
          ...(clientId !== undefined && { clientId }),
          source,
        })
      })
      await changeLog.catchUp()
    },

    'api-key': endMinted,

    /** The client's other secrets work on. */
    async 'client-secret'({ kind, credentialId: id, subject, clientId }, source) {
      await transaction(db, async tx => {
        const ended = await endSecret(tx, id)
        if (!ended) return
        await audit.record(tx, {
          type: 'client_secret_revoked',
          outcome: 'success',
          actor: subject,
          subject,
          credential: { kind, id },
          ...(clientId !== undefined && { clientId }),
          source,
          detail: { secret_id: id, last4: ended.last4, reason: 'ended_itself' },
        })
      })
      await changeLog.catchUp()
    },

    'personal-access-token': endMinted,
    'signing-secret': endClientCredential,
    'client-certificate': endClientCredential,

    session: ({ subject, credentialId }, source) => sessions.end(subject.id, credentialId, source),
  }
}
