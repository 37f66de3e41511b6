/**
 * ROOM: audit. What happened, to whom, by which credential, with which outcome. It owns `audit_event` and nothing else;
 * every room to its right calls it. Changes, sign-ins, revocations and admin actions are recorded in their own
 * transaction: no audit row, no change. Issues, uses and refusals are many and go in batches: a process that is killed
 * loses one second of those at most.
 *
 * `detail` never holds a secret: no token, code, password, cookie or header that carries one, not even in part beyond a
 * key's public id and its last four characters. It is read by people and exported.
 */
import { isIP } from 'node:net'
import { type Insertable, sql } from 'kysely'
import { type Batches, createBatches } from '../db/batches.ts'
import type { Db, Tx } from '../db/connect.ts'
import { newId } from '../db/id.ts'
import type { SweepTarget } from '../db/sweep.ts'
import { isUnavailable } from '../db/unavailable.ts'
import type { Source } from '../http/context.ts'
import type { Logger } from '../log.ts'
import type { AuditTables } from './tables.ts'

export type { Source } from '../http/context.ts'

/**
 * What strangers were refused is kept for a while only, and that a device of a public client began to wait: anybody can
 * cause it. Everything else stays.
 */
export const auditSweep: SweepTarget = {
  name: 'what strangers have caused',
  table: 'audit_event',
  where: sql<boolean>`created_at < now() - interval '30 days' AND actor_type = 'anonymous'
    AND (outcome = 'refused' OR type = 'device_authorization')`,
}

export interface AuditEvent {
  /** What happened, in snake_case, for instance `session_ended`. */
  readonly type: string
  readonly outcome: 'success' | 'refused'
  readonly actor: { readonly type: 'account' | 'client' | 'system' | 'anonymous'; readonly id?: string }
  readonly credential?: { readonly kind: string; readonly id: string }
  readonly subject?: { readonly type: string; readonly id: string }
  readonly clientId?: string
  readonly organizationId?: string
  readonly source?: Source
  /** JSON; never a secret, see above. */
  readonly detail?: Readonly<Record<string, unknown>>
}

/** What the database cannot take now keeps waiting. */
export interface Audit extends Batches {
  /** In the transaction of what it tells about. @throws what the database says: then the change does not happen. */
  record(tx: Tx | Db, event: AuditEvent): Promise<void>
  /** The same for many events. */
  recordAll(tx: Tx | Db, events: readonly AuditEvent[]): Promise<void>
  /** In the next batch. Never waits and never throws. */
  recordLater(event: AuditEvent): void
}

export interface AuditOptions {
  readonly db: Db
  readonly log: Logger
  readonly flushMs?: number
  /** Events that may wait in memory; newer ones are then dropped and counted in the log. */
  readonly maxWaiting?: number
}

type Row = Insertable<AuditTables['audit_event']>
interface Waiting {
  readonly row: Row
  readonly since: number
}

/** 17 parameters a row: far from the 65,535 of a statement. */
const BATCH_SIZE = 500

export function createAudit({ db, log, flushMs, maxWaiting = 20_000 }: AuditOptions): Audit {
  let waiting: Waiting[] = []
  let dropped = 0
  let failing = false

  const write = async () => {
    if (dropped > 0) log.error({ count: dropped }, 'audit events dropped: too many were waiting')
    dropped = 0
    // Only what waits now: the rest belongs to the next flush, and this one has an end.
    for (let left = waiting.length; left > 0; ) {
      const batch = waiting.slice(0, Math.min(left, BATCH_SIZE))
      await insertBatch(db, log, batch)
      waiting = waiting.slice(batch.length)
      left -= batch.length
    }
    failing = false
  }

  const batches = createBatches(
    () =>
      write().catch(error => {
        if (!failing)
          log.warn({ err: error, waiting: waiting.length }, 'audit events cannot be written; trying again')
        failing = true
      }),
    flushMs,
  )

  return {
    async record(tx, event) {
      await tx.insertInto('audit_event').values(rowOf(event)).execute()
    },
    async recordAll(tx, events) {
      for (let at = 0; at < events.length; at += BATCH_SIZE)
        await tx
          .insertInto('audit_event')
          .values(events.slice(at, at + BATCH_SIZE).map(rowOf))
          .execute()
    },
    recordLater(event) {
      if (waiting.length >= maxWaiting) dropped++
      else waiting.push({ row: rowOf(event), since: performance.now() })
    },
    ...batches,
    async stop() {
      await batches.stop()
      if (waiting.length > 0)
        log.error({ count: waiting.length }, 'audit events lost: the database cannot be written')
    },
  }
}

/** @throws only what may pass by itself; an event that Postgres refuses for itself is logged and let go. */
async function insertBatch(db: Db, log: Logger, batch: readonly Waiting[]): Promise<void> {
  try {
    await insert(db, batch)
  } catch (error) {
    if (isUnavailable(error)) throw error
    if (batch.length > 1) {
      for (const one of batch) await insertBatch(db, log, [one])
      return
    }
    log.error(
      { err: error, event: batch[0]?.row.type },
      'an audit event was refused by the database and is lost',
    )
  }
}

/** The time is the database's, less how long the event waited here. A repeated insert changes nothing. */
async function insert(db: Db, batch: readonly Waiting[]): Promise<void> {
  const now = performance.now()
  await db
    .insertInto('audit_event')
    .values(
      batch.map(({ row, since }) => ({
        ...row,
        created_at: sql<Date>`clock_timestamp() - make_interval(secs => ${(now - since) / 1000})`,
      })),
    )
    .onConflict(conflict => conflict.column('id').doNothing())
    .execute()
}

function rowOf({ actor, credential, subject, source, ...event }: AuditEvent): Row {
  return {
    id: newId(),
    type: event.type,
    outcome: event.outcome,
    actor_type: actor.type,
    actor_id: text(actor.id),
    credential_kind: text(credential?.kind),
    credential_id: text(credential?.id),
    subject_type: text(subject?.type),
    subject_id: text(subject?.id),
    client_id: text(event.clientId),
    organization_id: text(event.organizationId),
    address: addressOf(source?.address),
    user_agent: text(source?.userAgent),
    request_id: text(source?.requestId),
    detail: JSON.stringify(event.detail ?? {}, storable),
  }
}

const MAX_TEXT = 512

/** What a stranger sends ends up here as well: Postgres takes neither U+0000 nor lone surrogates. */
const clean = (value: string) => value.toWellFormed().replaceAll('\0', '\ufffd')

function text(value: string | undefined): string | null {
  return value === undefined ? null : clean(value.slice(0, MAX_TEXT))
}

function storable(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return clean(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [clean(name), item]))
}

/** Without the zone of a link-local address, which `inet` does not know. */
function addressOf(address: string | undefined): string | null {
  const [plain = ''] = (address ?? '').split('%')
  return isIP(plain) === 0 ? null : plain
}
