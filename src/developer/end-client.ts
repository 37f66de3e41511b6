import type { Tx } from '../db/connect.ts'
import type { DeveloperDeps } from './change.ts'

/** Longer than anything that is issued to a client lives: a grant (90 days). */
const REMEMBERED_DAYS = 91

/**
 * Ends everything that was issued to a client that is about to go. Its API keys end for good; tokens are refused for as
 * long as one could be alive, also when a client of the same name is described meanwhile.
 */
export async function endClient(
  tx: Tx,
  { revocations }: Pick<DeveloperDeps, 'revocations'>,
  clientId: string,
): Promise<void> {
  const expiresAt = new Date(Date.now() + REMEMBERED_DAYS * 86_400_000)
  await revocations.revoke(tx, { kind: 'client', id: clientId, reason: 'client_deleted', expiresAt })
}
