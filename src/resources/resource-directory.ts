/** Resources by identifier, from memory while the change log is fresh. */
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import { createFollowedCache } from '../db/followed-cache.ts'
import { findResource, listResources, type Resource } from './resource.ts'

export interface ResourceDirectory {
  find(identifier: string): Promise<Resource | undefined>
  /** Always from the database. */
  list(): Promise<Resource[]>
  /** Reads all of them into memory, so that no request waits for one. */
  preload(): Promise<void>
  close(): void
}

export function createResourceDirectory({
  db,
  changeLog,
}: {
  db: Db
  changeLog: Pick<ChangeLog, 'subscribe' | 'isFresh'>
}): ResourceDirectory {
  const cache = createFollowedCache({
    changeLog,
    type: 'resource',
    idOf: payload => payload.identifier,
    load: identifier => findResource(db, identifier),
  })
  return {
    ...cache,
    list: () => listResources(db),
    async preload() {
      const keep = cache.begin()
      for (const resource of await listResources(db)) keep(resource.identifier, resource)
    },
  }
}
