/** Tells "the database cannot be used now" (answer 503, try again) from a mistake of ours (answer 500). */

/** A transaction was older than its limit: its connection was ended, nothing was committed. */
export class TransactionLimitError extends Error {
  constructor(limitMs: number) {
    super(`A transaction took longer than ${limitMs} ms: its connection was ended.`)
    this.name = 'TransactionLimitError'
  }
}

/** The server did not answer a statement or COMMIT in time: whether it took effect is not known. */
export class NoAnswerError extends Error {
  constructor(limitMs: number) {
    super(`The database did not answer within ${limitMs} ms: the connection was ended.`)
    this.name = 'NoAnswerError'
  }
}

/** Of the operating system, from the socket. */
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT', // a Unix socket that is not there
])

/** read_only_sql_transaction: the server is a standby, as in the middle of a failover. */
const READ_ONLY = '25006'

/** SQLSTATEs (PostgreSQL, appendix A); class 08 (connection exceptions) counts as a whole. */
const STATES = new Set([
  READ_ONLY,
  '25P03', // idle_in_transaction_session_timeout
  '25P04', // transaction_timeout
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '53000', // insufficient_resources
  '53100', // disk_full
  '53200', // out_of_memory
  '53300', // too_many_connections
  '53400', // configuration_limit_exceeded
  '55P03', // lock_not_available
  '57014', // query_canceled: statement_timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
])

/** What pg and its pool say without any code. */
const MESSAGES = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Query read timeout',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Postgres connection has been discarded',
  'Cannot use a pool after calling end on the pool',
  'driver has already been destroyed',
]

/** True for lost, refused and exhausted connections, time limits and servers that shut down or start up. */
export function isUnavailable(error: unknown): boolean {
  const { name, code, message, syscall, errors } = fieldsOf(error)
  if (name === 'TransactionLimitError' || name === 'NoAnswerError') return true
  // Node tries every address of a name and reports all failures together.
  if (Array.isArray(errors) && errors.length > 0) return errors.every(isUnavailable)
  if (typeof code === 'string') {
    if (STATES.has(code) || /^08[0-9A-Z]{3}$/.test(code)) return true
    if (NETWORK_CODES.has(code) && typeof syscall === 'string') return true
  }
  return typeof message === 'string' && MESSAGES.some(start => message.startsWith(start))
}

/** The server takes no writes (now). */
export function isReadOnly(error: unknown): boolean {
  return fieldsOf(error).code === READ_ONLY
}

/** Postgres refused a text: U+0000 (22021), or an escape of it in jsonb (22P05). */
export function isBadText(error: unknown): boolean {
  const { code } = fieldsOf(error)
  return code === '22021' || code === '22P05'
}

/** Not by `instanceof`: an error may come from another realm or another copy of a package. */
function fieldsOf(error: unknown): Readonly<Record<string, unknown>> {
  if (typeof error !== 'object' || error === null) return {}
  const { name, code, message, syscall, errors } = error as Record<string, unknown>
  return { name, code, message, syscall, errors }
}
