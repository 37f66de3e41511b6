/** Client secrets. The client's other secrets stay. */
import { paths } from '../../views/layout/paths.ts'
import type { Audit } from '../audit/audit.ts'
import { endSecret, findSecrets, markLeaked } from '../clients/client-secret.ts'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import type { Keyring } from '../secrets/keyring.ts'
import type { FindLeaked } from './leaked.ts'

export interface LeakedClientSecretDeps {
  readonly db: Db
  readonly keyring: Keyring
  readonly audit: Pick<Audit, 'record'>
  readonly changeLog: Pick<ChangeLog, 'catchUp'>
}

export function findLeakedClientSecrets(deps: LeakedClientSecretDeps): FindLeaked {
  const { db, keyring, audit, changeLog } = deps
  return async text => {
    const found = await findSecrets(db, keyring, text)
    return found.map(({ id, clientId, clientName, alive }) => ({
      kind: 'client-secret',
      id,
      owner: { type: 'client', id: clientId },
      clientId,
      name: clientName,
      page: `${paths.clients}/${encodeURIComponent(clientId)}`,
      alive,
      mark: tx => markLeaked(tx, id),
      async end(_how, source) {
        await transaction(db, async tx => {
          const ended = await endSecret(tx, id)
          if (!ended) return
          await audit.record(tx, {
            type: 'client_secret_revoked',
            outcome: 'success',
            actor: { type: 'system' },
            subject: { type: 'client', id: clientId },
            clientId,
            source,
            detail: { secret_id: id, last4: ended.last4, reason: 'leaked' },
          })
        })
        await changeLog.catchUp()
      },
    }))
  }
}
