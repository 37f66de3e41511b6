/** Shutting a client and opening it again. What an administrator has shut only an administrator opens: he had a reason. */
import type { Client } from '../clients/client.ts'
import { setClientDisabled } from '../clients/client-state.ts'
import type { Tx } from '../db/connect.ts'
import { Problem } from '../http/problem.ts'
import { type Actor, type DeveloperDeps, recordChange, recordRefusal } from './change.ts'
import type { Reach } from './ownership.ts'

/** Whether a person or client that may change the client may enable it too. */
export const mayEnable = (reach: Reach, { disabledBy }: Pick<Client, 'disabledBy'>): boolean =>
  reach.everywhere || disabledBy !== 'administrator'

/** Nothing happens to one that is so already. @throws Problem 403 when an administrator has shut it and this is none */
export async function setDisabled(
  tx: Tx,
  { audit }: Pick<DeveloperDeps, 'audit'>,
  actor: Actor,
  { client, reach }: { readonly client: Client; readonly reach: Reach },
  disabled: boolean,
): Promise<void> {
  const { clientId, organizationId } = client
  const about = { subject: { type: 'client', id: clientId }, clientId, organizationId }
  if (!disabled && !mayEnable(reach, client)) {
    const detail = { reason: 'an administrator disabled it' }
    recordRefusal(audit, actor, { type: 'client_enabled', ...about, detail })
    throw new Problem(
      403,
      'access_denied',
      'An administrator disabled this client. Only an administrator enables it again.',
    )
  }
  const by = reach.everywhere ? 'administrator' : 'organization'
  if (await setClientDisabled(tx, clientId, disabled, by))
    await recordChange(tx, audit, actor, { type: disabled ? 'client_disabled' : 'client_enabled', ...about })
}
