// What reaches the database, counted at the driver. Every statement still runs.
import { AsyncLocalStorage } from 'node:async_hooks'
import pg from 'pg'

/** Whether a statement is sent by what a node does by itself, on its timers. */
const ownWork = new AsyncLocalStorage<true>()

/** Starts a node: what it goes on to do by itself is nobody's request. */
export const startNodeWork = <T>(start: () => T): T => ownWork.run(true, start)

/** The statements that `work` sends, without those that nodes send beside requests, whenever their time comes. */
export async function queriesDuring(work: () => Promise<unknown>): Promise<string[]> {
  return (await allDuring(work)).flatMap(({ text, isOwnWork }) => (isOwnWork ? [] : [text]))
}

/** What is written of requests, in batches: were it a statement for each, there would be as many. */
export async function batchesDuring(work: () => Promise<unknown>): Promise<string[]> {
  const texts = (await allDuring(work)).map(({ text }) => text)
  return texts.filter(text => /\b(?:audit_event|client_use|outbox)\b/.test(text))
}

interface Sent {
  readonly text: string
  readonly isOwnWork: boolean
}

async function allDuring(work: () => Promise<unknown>): Promise<Sent[]> {
  const seen: Sent[] = []
  const prototype = pg.Client.prototype as unknown as { query: (...args: unknown[]) => unknown }
  const { query } = prototype
  prototype.query = function observed(this: unknown, ...args: unknown[]) {
    const [first] = args
    const text = typeof first === 'string' ? first : (first as { text?: unknown } | undefined)?.text
    seen.push({ text: String(text), isOwnWork: ownWork.getStore() === true })
    return query.apply(this, args)
  }
  try {
    await work()
  } finally {
    prototype.query = query
  }
  return seen
}
