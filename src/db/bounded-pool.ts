/**
 * A pool that bounds what is done on its connections, whatever the server's settings. Postgres 15 can bound a statement
 * and an idle transaction, but not a transaction of many statements; the change log needs that bound (see change-log.ts).
 * So this pool sees BEGIN, COMMIT and ROLLBACK go by and ends a connection on which one is overdue.
 */
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type pg from 'pg'
import { isReadOnly, NoAnswerError, TransactionLimitError } from './unavailable.ts'

const BEGIN = /^\s*(begin|start\s+transaction)\b/i
/** Not `ROLLBACK TO`: that ends a savepoint. */
const END = /^\s*(commit|end|abort|rollback)\b(?!\s+((work|transaction)\s+)?to\b)/i

/** The server's own limit of a statement comes first: it gives the better error and keeps the connection. */
const MARGIN_MS = 2_000

/**
 * @param limitMs longest life of a transaction. COMMIT has the same time again to be answered, because a transaction that
 *   was ended while it commits may or may not have happened.
 */
export function boundPool(pool: pg.Pool, limitMs: number): PostgresPool {
  // Kysely remembers connections by identity.
  const bounded = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  return {
    options: {},
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect()
      const known = bounded.get(client)
      if (known) return known
      const fresh = boundClient(client, limitMs)
      bounded.set(client, fresh)
      return fresh
    },
  }
}

function boundClient(client: pg.PoolClient, limitMs: number): PostgresPoolClient {
  let inTransaction = false
  let transactionTimer: NodeJS.Timeout | undefined
  let overdue: Error | undefined
  let readOnly = false

  const endAfter = (ms: number, reason: () => Error) =>
    setTimeout(() => {
      overdue = reason()
      // Without a statement in flight this is a farewell, with one it destroys the socket. Either way the server drops
      // a transaction that was not told to commit.
      void client.end()
    }, ms)

  const query = async (statement: string, parameters: readonly unknown[]) => {
    const ends = END.test(statement)
    if (BEGIN.test(statement)) {
      inTransaction = true
      transactionTimer = endAfter(limitMs, () => new TransactionLimitError(limitMs))
    } else if (ends) {
      clearTimeout(transactionTimer)
      inTransaction = false
    }
    const statementLimit = ends ? limitMs : limitMs + MARGIN_MS
    const statementTimer = inTransaction
      ? undefined
      : endAfter(statementLimit, () => new NoAnswerError(statementLimit))
    try {
      return await client.query(statement, [...parameters])
    } catch (error) {
      readOnly ||= isReadOnly(error)
      throw overdue ?? error
    } finally {
      clearTimeout(statementTimer)
    }
  }

  const release = (destroy?: boolean) => {
    clearTimeout(transactionTimer)
    inTransaction = false
    // A server that has become a standby: the next connection may find the new primary.
    client.release(destroy === true || readOnly)
  }

  // Kysely's type also has a form for cursors, which need an option of the dialect that is not set.
  return { query: query as unknown as PostgresPoolClient['query'], release }
}
