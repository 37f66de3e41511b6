import { type Db, type Tx, transactionLimit } from './connect.ts'
import { TransactionLimitError } from './unavailable.ts'

/**
 * Runs `work` in one transaction: all of it happens or nothing. Inside, use `tx` only: with a pool of one connection a
 * query on `db` would wait for this transaction for ever. Given a transaction, `work` joins it.
 *
 * It lives for 10 seconds at most, whatever `work` waits for; then its connection is ended and nothing is committed.
 * @throws TransactionLimitError (a case of `isUnavailable`), or what `work` threw.
 */
export async function transaction<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  if (db.isTransaction) return work(db as Tx)
  let failure: { readonly error: unknown } | undefined
  try {
    return await db.transaction().execute(async tx => {
      try {
        return await within(transactionLimit(db), work(tx))
      } catch (error) {
        failure = { error }
        throw error
      }
    })
  } catch (error) {
    // When the connection is gone ROLLBACK fails as well; the first reason is the one that tells something.
    throw failure ? failure.error : error
  }
}

// The pool ends the connection (bounded-pool.ts). This one lets go of work that waits for something else than Postgres,
// so that the pool gets its place back.
async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TransactionLimitError(limitMs)), limitMs)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}
