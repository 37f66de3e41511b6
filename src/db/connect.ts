/**
 * The connection to Postgres. Every statement ends after 10 seconds and so does every transaction, whatever the
 * server's own settings: the change log relies on it (see change-log.ts).
 */
import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import type { Logger } from '../log.ts'
import type { Tables } from './tables.ts'

export type Db = Kysely<Tables>
export type Tx = Transaction<Tables>

/** Longest life of a statement and of a transaction, in milliseconds. */
export const TRANSACTION_LIMIT_MS = 10_000

/**
 * Opens a pool. No connection is made before the first query.
 * @param url a postgres:// URL
 * @param options `poolSize`: the most connections; 1 works.
 */
export function connect(url: string, { poolSize, log }: { poolSize: number; log: Logger }): Db {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    application_name: 'latchkey',
    statement_timeout: TRANSACTION_LIMIT_MS,
    idle_in_transaction_session_timeout: TRANSACTION_LIMIT_MS,
    keepAlive: true,
  })
  pool.on('error', error => log.warn({ err: error }, 'an idle database connection ended'))
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}
