/** A client secret that is used moves to the newest pepper, so that the master secret of an older one can go some day. */
import type { Db } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import type { Logger } from '../log.ts'
import { hashSecret, isNewestPepper, verifySecret } from '../secrets/hash.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { type Client, changed } from './client.ts'

export interface RehashDeps {
  readonly db: Db
  readonly keyring: Keyring
  readonly log: Logger
}

/**
 * Writes only where the secret stands under an older pepper. It may fail: then the next use tries again.
 * @param secret that has been verified
 */
export async function rehashClientSecret(
  { db, keyring, log }: RehashDeps,
  client: Pick<Client, 'clientId' | 'secrets'>,
  secret: string,
): Promise<void> {
  const old = client.secrets.filter(({ pepperId }) => !isNewestPepper(keyring, pepperId))
  const moving = old.filter(stored => verifySecret(keyring, secret, stored))
  if (moving.length === 0) return
  const { hash, pepperId } = hashSecret(keyring, secret)
  try {
    await transaction(db, async tx => {
      const moved = await tx
        .updateTable('client_secret')
        .set({ hash, pepper_id: pepperId })
        .where(
          'id',
          'in',
          moving.map(({ id }) => id),
        )
        .where('pepper_id', '<>', pepperId)
        .returning('id')
        .execute()
      if (moved.length > 0) await changed(tx, client.clientId)
    })
  } catch (error) {
    log.warn(
      { err: error, client: client.clientId },
      'a client secret could not be hashed anew; its next use tries again',
    )
  }
}
