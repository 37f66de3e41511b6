/**
 * When clients that registered themselves were last used: that they got a token. Collected in memory and written once a
 * second, about once an hour for each client; who issues tokens writes nothing. A process that is killed loses a second
 * of it.
 */
import { sql } from 'kysely'
import { type Batches, createBatches } from '../db/batches.ts'
import type { Db } from '../db/connect.ts'
import { isUnavailable } from '../db/unavailable.ts'
import type { Logger } from '../log.ts'

/** What the database cannot take now keeps waiting. */
export interface ClientUse extends Batches {
  /** In the next batch. Never waits and never throws. */
  note(clientId: string): void
}

/** For this long one use stands for all of a client. */
const SAME_USE_MS = 3_600_000
const BATCH_SIZE = 1_000

export function createClientUse({ db, log }: { db: Db; log: Logger }): ClientUse {
  /** Written, or waiting, since the hour began. */
  let noted = new Set<string>()
  let hourBegan = performance.now()
  let waiting = new Set<string>()
  let failing = false

  const write = async () => {
    const taken = [...waiting]
    waiting = new Set()
    for (let at = 0; at < taken.length; at += BATCH_SIZE) {
      try {
        await writeBatch(db, taken.slice(at, at + BATCH_SIZE))
        failing = false
      } catch (error) {
        if (!failing) log.warn({ err: error }, 'the use of clients cannot be written; trying again')
        failing = true
        if (isUnavailable(error)) for (const id of taken.slice(at)) waiting.add(id)
        return
      }
    }
  }

  return {
    note(clientId) {
      if (performance.now() - hourBegan > SAME_USE_MS) {
        noted = new Set()
        hourBegan = performance.now()
      }
      if (noted.has(clientId)) return
      noted.add(clientId)
      waiting.add(clientId)
    },
    ...createBatches(write),
  }
}

/** In one order, so that two nodes never wait in a ring. A client that is gone or just going, or an operator's, has no row. */
async function writeBatch(db: Db, clientIds: readonly string[]): Promise<void> {
  await sql`
    WITH used AS (
      INSERT INTO client_use AS u (client_id, used_at)
      SELECT client_id, clock_timestamp() FROM client
      WHERE client_id = ANY(${[...clientIds].sort()}::text[]) AND registration <> 'operator'
      ORDER BY client_id FOR KEY SHARE
      ON CONFLICT (client_id) DO UPDATE SET used_at = excluded.used_at
      RETURNING client_id
    )
    UPDATE client_registration r SET used = true FROM used WHERE r.client_id = used.client_id AND NOT r.used
  `.execute(db)
}
