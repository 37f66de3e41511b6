// What reaches the database, counted at the driver. Every statement still runs.
import pg from 'pg'

/** What nodes ask and write beside requests. */
const BESIDE_REQUESTS = /\b(?:change_log|outbox|audit_event|node|client_use)\b/

/** The statements that `work` sends, without those that no request sends. */
export async function queriesDuring(work: () => Promise<unknown>): Promise<string[]> {
  return (await allDuring(work)).filter(text => !BESIDE_REQUESTS.test(text))
}

/** What is written of requests, in batches: were it a statement for each, there would be as many. */
export async function batchesDuring(work: () => Promise<unknown>): Promise<string[]> {
  return (await allDuring(work)).filter(text => /\b(?:audit_event|client_use|outbox)\b/.test(text))
}

async function allDuring(work: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = []
  const prototype = pg.Client.prototype as unknown as { query: (...args: unknown[]) => unknown }
  const { query } = prototype
  prototype.query = function observed(this: unknown, ...args: unknown[]) {
    const [first] = args
    const text = typeof first === 'string' ? first : (first as { text?: unknown } | undefined)?.text
    seen.push(String(text))
    return query.apply(this, args)
  }
  try {
    await work()
  } finally {
    prototype.query = query
  }
  return seen
}
