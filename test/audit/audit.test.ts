import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { type Audit, type AuditEvent, createAudit } from '../../src/audit/audit.ts'
import { transaction } from '../../src/db/transaction.ts'
import { createLog } from '../../src/log.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'

let database: MigratedDatabase
let lines: string[]
let audit: Audit

const make = (options: { maxWaiting?: number; flushMs?: number } = {}) =>
  createAudit({
    db: database.another({ poolSize: 1 }),
    log: createLog('info', { write: line => lines.push(line) }),
    ...options,
  })

beforeEach(async () => {
  database = await migratedDatabase()
  lines = []
  audit = make()
})
afterEach(() => database.close())

const event = (type: string): AuditEvent => ({ type, outcome: 'refused', actor: { type: 'anonymous' } })
const types = async () =>
  (await database.db.selectFrom('audit_event').select('type').orderBy('type').execute()).map(
    ({ type }) => type,
  )
const breakTable = () => sql`ALTER TABLE audit_event RENAME TO gone`.execute(database.db)
/** As a standby looks in the middle of a failover: the table is there and takes no writes. Holds for new sessions. */
const readOnly = (on: boolean) =>
  database
    .another()
    .connection()
    .execute(async connection => {
      await sql`SET default_transaction_read_only = off`.execute(connection)
      const name = sql.id(new URL(database.url).pathname.slice(1))
      await sql`ALTER DATABASE ${name} SET default_transaction_read_only = ${sql.lit(on ? 'on' : 'off')}`.execute(
        connection,
      )
    })

describe('record', () => {
  it('writes everything an event holds', async () => {
    await audit.record(database.db, {
      type: 'session.end',
      outcome: 'success',
      actor: { type: 'account', id: 'a' },
      credential: { kind: 'session', id: 's' },
      subject: { type: 'session', id: 's2' },
      clientId: 'c',
      organizationId: 'o',
      source: { address: '::ffff:192.0.2.1', userAgent: 'test', requestId: 'r' },
      detail: { why: 'asked' },
    })
    expect(await database.db.selectFrom('audit_event').selectAll().execute()).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        type: 'session.end',
        outcome: 'success',
        actor_type: 'account',
        actor_id: 'a',
        credential_kind: 'session',
        credential_id: 's',
        subject_type: 'session',
        subject_id: 's2',
        client_id: 'c',
        organization_id: 'o',
        address: '::ffff:192.0.2.1',
        user_agent: 'test',
        request_id: 'r',
        detail: { why: 'asked' },
        created_at: expect.any(Date),
      },
    ])
  })

  it('happens with its transaction or not at all, and takes the change with it', async () => {
    await transaction(database.db, async tx => {
      await audit.record(tx, event('rolled back'))
      throw new Error('no')
    }).catch(() => undefined)
    expect(await types()).toEqual([])
    await breakTable()
    const change = transaction(database.db, async tx => {
      await tx.insertInto('organization').values({ id: 'o', name: 'o' }).execute()
      await audit.record(tx, event('impossible'))
    })
    await expect(change).rejects.toThrow('audit_event')
    expect(await database.db.selectFrom('organization').selectAll().execute()).toEqual([])
  })

  it('takes whatever a stranger sends', async () => {
    const nasty = 'a\0b\ud800c'
    await audit.record(database.db, {
      type: 'nasty',
      outcome: 'refused',
      actor: { type: 'anonymous', id: nasty },
      subject: { type: 'username', id: 'x'.repeat(100_000) },
      source: { address: 'fe80::1%eth0', userAgent: nasty },
      detail: { [nasty]: [nasty, { deep: nasty, big: 1n, when: new Date(0) }] },
    })
    await audit.record(database.db, { ...event('no address'), source: { address: 'unknown' } })
    const clean = 'a\ufffdb\ufffdc'
    expect(await database.db.selectFrom('audit_event').selectAll().orderBy('type').execute()).toMatchObject([
      {
        actor_id: clean,
        subject_id: 'x'.repeat(512),
        address: 'fe80::1',
        user_agent: clean,
        detail: { [clean]: [clean, { deep: clean, big: '1', when: '1970-01-01T00:00:00.000Z' }] },
      },
      { type: 'no address', address: null },
    ])
  })
})

describe('recordLater', () => {
  it('writes in batches, more than one when there are many', async () => {
    for (let item = 0; item < 1_200; item++) audit.recordLater(event('many'))
    expect(await types()).toEqual([])
    await audit.flush()
    expect(await types()).toHaveLength(1_200)
    await audit.flush()
    expect(await types()).toHaveLength(1_200)
  })

  it('flushes by itself, and when it is stopped', async () => {
    const timed = make({ flushMs: 5 })
    timed.start()
    timed.recordLater(event('by itself'))
    while ((await types()).length === 0);
    await timed.stop()
    audit.recordLater(event('at the end'))
    await audit.stop()
    expect(await types()).toEqual(['at the end', 'by itself'])
  })

  it('keeps what the database cannot take now, says so once, and writes it later with the time it happened', async () => {
    await readOnly(true)
    audit.recordLater(event('first'))
    await audit.flush()
    audit.recordLater(event('second'))
    await audit.flush()
    expect(lines.filter(line => line.includes('cannot be written'))).toHaveLength(1)
    await readOnly(false)
    while ((await types()).length < 2) await audit.flush()
    expect(await types()).toEqual(['first', 'second'])
    const { rows } = await sql<{ ordered: boolean }>`
      SELECT (SELECT created_at FROM audit_event WHERE type = 'first')
        < (SELECT created_at FROM audit_event WHERE type = 'second') AS ordered`.execute(database.db)
    expect(rows).toEqual([{ ordered: true }])
  })

  it('lets go of an event that the database refuses for itself, and of that one only', async () => {
    const broken = { ...event('broken'), outcome: 'neither' } as unknown as AuditEvent
    audit.recordLater(event('good 1'))
    audit.recordLater(broken)
    audit.recordLater(event('good 2'))
    await audit.flush()
    expect(await types()).toEqual(['good 1', 'good 2'])
    expect(lines).toEqual([expect.stringContaining('"event":"broken"')])
  })

  it('drops the newest when too many wait, and says how many', async () => {
    const small = make({ maxWaiting: 3 })
    for (let item = 0; item < 5; item++) small.recordLater(event(`item ${item}`))
    await small.flush()
    expect(await types()).toEqual(['item 0', 'item 1', 'item 2'])
    expect(lines).toEqual([expect.stringContaining('"count":2')])
  })

  it('says what is lost when it is stopped without a database', async () => {
    await readOnly(true)
    audit.recordLater(event('lost'))
    await audit.stop()
    expect(lines.some(line => line.includes('audit events lost') && line.includes('"count":1'))).toBe(true)
  })
})
