import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { createOutbox, enqueue, enqueueAll, type OutboxOptions, outboxSweep } from '../../src/db/outbox.ts'
import { createSweeper } from '../../src/db/sweep.ts'
import { transaction } from '../../src/db/transaction.ts'
import { createLog } from '../../src/log.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'
import { until } from '../support/process.ts'

const silent = createLog('silent')

let database: MigratedDatabase
beforeEach(async () => {
  database = await migratedDatabase()
})
afterEach(() => database.close())

const worker = (options: Partial<OutboxOptions> & Pick<OutboxOptions, 'handlers'>) =>
  createOutbox({ db: database.another({ poolSize: 1 }), log: silent, ...options })
const add = (name: string) => enqueue(database.db, 'mail', { name })
const rows = () => database.db.selectFrom('outbox').selectAll().execute()
/** Lets the time of retries and leases pass. */
const pass = (seconds: number) =>
  sql`UPDATE outbox SET run_at = run_at - make_interval(secs => ${seconds}),
    leased_until = leased_until - make_interval(secs => ${seconds})`.execute(database.db)

describe('outbox', () => {
  it('hands every item to one of two workers, once', async () => {
    for (let item = 0; item < 60; item++) await add(`item ${item}`)
    const handled: unknown[] = []
    const handlers = { mail: async ({ name }: Record<string, unknown>) => void handled.push(name) }
    const workers = [worker({ handlers, batchSize: 7 }), worker({ handlers, batchSize: 7 })]
    const drain = async (outbox: (typeof workers)[number]) => {
      while ((await outbox.runOnce()) > 0);
    }
    // Twice: a worker whose rows were all taken by the other sees nothing and stops early.
    for (let round = 0; round < 2; round++) await Promise.all(workers.map(drain))
    expect(handled).toHaveLength(60)
    expect(new Set(handled).size).toBe(60)
    expect(
      (await rows()).map(({ outcome, attempts, leased_until }) => [outcome, attempts, leased_until]),
    ).toEqual(Array.from({ length: 60 }, () => ['done', 1, null]))
  })

  it('knows no item of a transaction that was rolled back', async () => {
    await transaction(database.db, async tx => {
      await enqueue(tx, 'mail', {})
      throw new Error('no')
    }).catch(() => undefined)
    expect(await rows()).toEqual([])
  })

  it('does not hand out an item that is being handled', async () => {
    await add('slow')
    let release = () => {}
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    let began = () => {}
    const hasBegun = new Promise<void>(resolve => {
      began = resolve
    })
    const first = worker({
      handlers: {
        mail: async () => {
          began()
          await gate
        },
      },
    })
    const running = first.runOnce()
    await hasBegun
    expect(await worker({ handlers: { mail: async () => {} } }).runOnce()).toBe(0)
    release()
    expect(await running).toBe(1)
    expect(await rows()).toMatchObject([{ outcome: 'done', attempts: 1 }])
  })

  it('tries again after a failure, later and later', async () => {
    await add('flaky')
    const attempts: number[] = []
    const outbox = worker({
      retryMs: 100_000,
      handlers: {
        mail: async (_, attempt) => {
          attempts.push(attempt)
          if (attempt < 3) throw new Error(`no, attempt ${attempt}\0`)
        },
      },
    })
    expect(await outbox.runOnce()).toBe(1)
    expect(await rows()).toMatchObject([
      { outcome: null, last_error: 'no, attempt 1\ufffd', leased_until: null },
    ])
    expect(await outbox.runOnce()).toBe(0)
    await pass(126)
    expect(await outbox.runOnce()).toBe(1)
    await pass(126)
    expect(await outbox.runOnce()).toBe(0)
    await pass(126)
    expect(await outbox.runOnce()).toBe(1)
    expect(attempts).toEqual([1, 2, 3])
    expect(await rows()).toMatchObject([{ outcome: 'done', last_error: null, attempts: 3 }])
  })

  it('gives up after the last attempt and keeps the reason', async () => {
    await add('hopeless')
    const outbox = worker({
      maxAttempts: 2,
      handlers: {
        mail: async () => {
          throw new Error('mailbox does not exist')
        },
      },
    })
    expect(await outbox.runOnce()).toBe(1)
    await pass(3_600)
    expect(await outbox.runOnce()).toBe(1)
    await pass(7_200)
    expect(await outbox.runOnce()).toBe(0)
    expect(await rows()).toMatchObject([
      { outcome: 'failed', last_error: 'mailbox does not exist', attempts: 2, finished_at: expect.any(Date) },
    ])
  })

  it('survives a node that died with the lease, and its late word counts for nothing', async () => {
    await add('orphan')
    let release = () => {}
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    let began = () => {}
    const hasBegun = new Promise<void>(resolve => {
      began = resolve
    })
    const dead = worker({
      handlers: {
        mail: async () => {
          began()
          await gate
          throw new Error('late')
        },
      },
    })
    const late = dead.runOnce()
    await hasBegun
    const handled: number[] = []
    const alive = worker({
      handlers: {
        mail: async (_, attempt) => {
          handled.push(attempt)
          release()
          await late
          expect(await rows()).toMatchObject([{ last_error: null, leased_until: expect.any(Date) }])
        },
      },
    })
    expect(await alive.runOnce()).toBe(0)
    await pass(61)
    expect(await alive.runOnce()).toBe(1)
    expect(handled).toEqual([2])
    expect(await rows()).toMatchObject([{ outcome: 'done', last_error: null, attempts: 2 }])
  })

  it('gives up an item whose node died during the last attempt', async () => {
    await add('poison')
    await sql`UPDATE outbox SET attempts = 10, leased_until = now() - interval '1 second'`.execute(
      database.db,
    )
    expect(await worker({ handlers: { mail: async () => {} } }).runOnce()).toBe(0)
    expect(await rows()).toMatchObject([
      { outcome: 'failed', last_error: expect.stringContaining('last attempt') },
    ])
  })

  it('ends a handler that takes longer than half of its lease', async () => {
    await add('endless')
    let aborted = false
    const outbox = worker({
      leaseMs: 40,
      handlers: {
        mail: (_payload, _attempt, signal) =>
          new Promise(() => {
            signal.addEventListener('abort', () => {
              aborted = true
            })
          }),
      },
    })
    await outbox.runOnce()
    expect(aborted).toBe(true)
    expect(await rows()).toMatchObject([{ outcome: null, last_error: 'The handler took longer than 20 ms.' }])
  })

  it('waits for its time, and leaves topics alone that this version does not handle', async () => {
    await enqueue(database.db, 'mail', {}, { delay: 3_600 })
    await enqueue(database.db, 'of a newer version', {})
    const outbox = worker({ handlers: { mail: async () => {} } })
    expect(await outbox.runOnce()).toBe(0)
    await pass(3_700)
    expect(await outbox.runOnce()).toBe(1)
    expect((await rows()).map(({ outcome }) => outcome).sort()).toEqual(['done', null])
  })

  it('works by itself until it is stopped, and stop waits for what is running', async () => {
    let finished = false
    let began = () => {}
    const hasBegun = new Promise<void>(resolve => {
      began = resolve
    })
    const outbox = worker({
      pollMs: 5,
      handlers: {
        mail: async () => {
          began()
          await new Promise(resolve => setTimeout(resolve, 50))
          finished = true
        },
      },
    })
    outbox.start()
    await add('last')
    await hasBegun
    await outbox.stop()
    expect(finished).toBe(true)
    expect(await rows()).toMatchObject([{ outcome: 'done' }])
  })

  it('takes few of one lane at once: where nobody answers, the others do not wait', async () => {
    let release = () => {}
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    const begun: unknown[] = []
    let passed = () => {}
    const hasPassed = new Promise<void>(resolve => {
      passed = resolve
    })
    const outbox = worker({
      pollMs: 5,
      batchSize: 5,
      laneSize: 2,
      handlers: {
        mail: async ({ name }) => {
          begun.push(name)
          if (name === 'dead') await gate
          else if (begun.filter(one => one !== 'dead').length === 20) passed()
        },
      },
    })
    const dead = Array.from({ length: 10 }, () => ({ payload: { name: 'dead' }, lane: 'a host' }))
    await enqueueAll(database.db, 'mail', dead)
    outbox.start()
    const alive = [{ lane: 'another' }, {}].flatMap(lane =>
      Array.from({ length: 10 }, (_, item) => ({ payload: { name: `alive ${item}` }, ...lane })),
    )
    await enqueueAll(database.db, 'mail', alive)
    await hasPassed
    expect(begun.filter(name => name === 'dead')).toHaveLength(2)
    release()
    await until('all have ended', async () => (await rows()).every(({ outcome }) => outcome === 'done'))
    await outbox.stop()
    expect(begun).toHaveLength(30)
  })

  it('tells of what it gives up in the transaction that does so', async () => {
    await enqueue(database.db, 'mail', { name: 'hopeless' }, { lane: 'a host' })
    const told: unknown[] = []
    let canTell = false
    const outbox = worker({
      maxAttempts: 1,
      handlers: { mail: () => Promise.reject(new Error('no')) },
      givenUp: {
        async mail(tx, item, reason) {
          await enqueue(tx, 'told', {})
          if (!canTell) throw new Error('cannot tell')
          told.push([item.lane, item.payload, item.attempts, reason])
        },
      },
    })
    await expect(outbox.runOnce()).rejects.toThrow('cannot tell')
    expect(await rows()).toMatchObject([{ outcome: null, attempts: 1, leased_until: expect.any(Date) }])
    canTell = true
    await pass(61)
    expect(await outbox.runOnce()).toBe(0)
    expect(told).toEqual([['a host', { name: 'hopeless' }, 1, expect.stringContaining('last attempt')]])
    expect((await rows()).map(({ topic, outcome }) => [topic, outcome]).sort()).toEqual([
      ['mail', 'failed'],
      ['told', null],
    ])
  })

  it('is swept a week after its end', async () => {
    await add('old')
    await add('waiting')
    await sql`UPDATE outbox SET outcome = 'done', finished_at = now() - interval '8 days' WHERE payload->>'name' = 'old'`.execute(
      database.db,
    )
    const sweeper = createSweeper({ db: database.db, log: silent })
    sweeper.register(outboxSweep)
    expect(await sweeper.runOnce()).toBe(1)
    expect(await rows()).toMatchObject([{ payload: { name: 'waiting' } }])
  })
})
