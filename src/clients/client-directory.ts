/** Clients by id, from memory while the change log is fresh. Every request of a client begins here. */
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import { createFollowedCache, type FollowedCache } from '../db/followed-cache.ts'
import { type Client, findClient } from './client.ts'

/** Disabled clients are found, with `disabled: true`. */
export type ClientDirectory = FollowedCache<Client>

export function createClientDirectory({
  db,
  changeLog,
}: {
  db: Db
  changeLog: Pick<ChangeLog, 'subscribe' | 'isFresh'>
}): ClientDirectory {
  return createFollowedCache({
    changeLog,
    type: 'client',
    idOf: payload => payload.client_id,
    load: clientId => findClient(db, clientId),
  })
}
