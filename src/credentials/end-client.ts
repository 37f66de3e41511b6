import type { Audit } from '../audit/audit.ts'
import type { Tx } from '../db/connect.ts'
import type { Revocations } from '../revocation/revocation.ts'
import { endTokensOf } from './end-tokens-of.ts'
import type { Actor } from './minted-actor.ts'

/** Longer than anything that is issued to a client lives: a grant (90 days). */
const REMEMBERED_DAYS = 91

/**
 * Ends everything that was issued to a client that is about to go. Its API keys end for good; tokens are refused for as
 * long as one could be alive, also when a client of the same name is described meanwhile.
 */
export async function endClient(
  tx: Tx,
  deps: {
    readonly audit: Pick<Audit, 'recordAll'>
    readonly revocations: Pick<Revocations, 'revoke' | 'revokeAll'>
  },
  actor: Actor,
  clientId: string,
  reason = 'client_deleted',
): Promise<void> {
  const expiresAt = new Date(Date.now() + REMEMBERED_DAYS * 86_400_000)
  await deps.revocations.revoke(tx, { kind: 'client', id: clientId, reason, expiresAt })
  await endTokensOf(tx, deps, actor, { type: 'client', id: clientId }, reason)
}
