/**
 * The connection to Postgres. Every statement ends after 10 seconds and so does every transaction, whatever the
 * server's own settings: the change log relies on it (see change-log.ts).
 */
import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import type { Logger } from '../log.ts'
import { boundPool } from './bounded-pool.ts'
import type { Tables } from './tables.ts'

export type Db = Kysely<Tables>
export type Tx = Transaction<Tables>

/** Longest life of a statement and of a transaction, in milliseconds. */
export const TRANSACTION_LIMIT_MS = 10_000

interface ConnectOptions {
  /** The most connections; 1 works. */
  readonly poolSize: number
  readonly log: Logger
  /** Tests shorten it. */
  readonly limitMs?: number
}

const opened = new WeakMap<Db, ConnectOptions & { readonly url: string }>()

/**
 * Opens a pool. No connection is made before the first query.
 * @param url a postgres:// URL
 */
export function connect(url: string, options: ConnectOptions): Db {
  const limitMs = options.limitMs ?? TRANSACTION_LIMIT_MS
  const pool = openPool(url, options, {
    max: options.poolSize,
    statement_timeout: limitMs,
    idle_in_transaction_session_timeout: limitMs,
  })
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: boundPool(pool, limitMs) }) })
  opened.set(db, { ...options, url })
  return db
}

/** How long a transaction on `db` may live, in milliseconds. */
export function transactionLimit(db: Db): number {
  return opened.get(db)?.limitMs ?? TRANSACTION_LIMIT_MS
}

/**
 * One more connection to the same database without time limits, for migrations only. The caller destroys it.
 * @throws Error when `db` does not come from `connect`.
 */
export function connectWithoutLimits(db: Db): Db {
  const options = opened.get(db)
  if (!options) throw new Error('Only a database that connect() opened can be opened again.')
  const pool = openPool(options.url, options, { max: 1, statement_timeout: 0 })
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}

function openPool(url: string, { log }: ConnectOptions, config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    application_name: 'latchkey',
    keepAlive: true,
    ...config,
  })
  pool.on('error', error => log.warn({ err: error }, 'an idle database connection ended'))
  // A connection can also end while it is lent out, when the pool does not listen: without a listener Node would end the
  // process. The statement in flight, or the next one, fails with the same error.
  pool.on('connect', client => {
    client.on('error', error => log.debug({ err: error }, 'a database connection ended'))
  })
  return pool
}
