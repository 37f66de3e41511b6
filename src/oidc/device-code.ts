/**
 * A device that waits for a person (RFC 8628), seen from the person's side: found by the code that the person types,
 * from then on held by that browser session alone, decided once. The device's side is stores/device-code-store.ts. All of
 * it is rows: any node answers, and a provider that is built anew changes nothing.
 */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/connect.ts'
import { hashCandidates } from '../secrets/hash.ts'
import type { Keyring } from '../secrets/keyring.ts'

/** 20 letters that no font confuses and that make no words: 34 bits in 8 of them (RFC 8628, section 6.1). */
export const USER_CODE = { charset: 'base-20', mask: '****-****' } as const

/** Seconds between two polls, until a device comes too soon (RFC 8628, section 3.5). */
export const POLL_INTERVAL = 5

const NORMAL_USER_CODE = /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/

/** As it is stored: upper case, without what people and displays put between the letters. Undefined: no such code can be. */
export function normalUserCode(typed: string): string | undefined {
  const letters = typed
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\s\p{P}\p{S}]/gu, '')
  return NORMAL_USER_CODE.test(letters) ? letters : undefined
}

export interface WaitingDevice {
  readonly id: string
  readonly clientId: string
  /** What it asks for: `scope` and, where there are any, `resource`. */
  readonly params: { readonly scope?: unknown; readonly resource?: unknown }
  readonly address: string | null
  readonly userAgent: string | null
  readonly askedAt: Date
  readonly decision: 'allowed' | 'denied' | undefined
}

/**
 * Takes the device for a browser session, and gives the id of its page. Undefined when no device waits with this code, or
 * another session has entered it before and is alive: the two look the same.
 * @param userCode as normalUserCode gives it
 */
export async function claimDevice(
  db: Db,
  keyring: Keyring,
  userCode: string,
  sessionUid: string,
): Promise<string | undefined> {
  const row = await db
    .updateTable('device_code')
    .set({ session_uid: sessionUid })
    .where('user_code_hash', 'in', hashCandidates(keyring, userCode))
    .where('decided_at', 'is', null)
    .where('expires_at', '>', sql<Date>`clock_timestamp()`)
    .where(
      sql<boolean>`(session_uid IS NULL OR session_uid = ${sessionUid} OR NOT EXISTS (SELECT 1 FROM session s
        WHERE s.uid = device_code.session_uid AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()))`,
    )
    .returning('id')
    .executeTakeFirst()
  return row?.id
}

/** The device that this session has entered the code of, while it waits and for a while after it was decided. */
export async function findDevice(db: Db, id: string, sessionUid: string): Promise<WaitingDevice | undefined> {
  const row = await db
    .selectFrom('device_code')
    .select(['id', 'client_id', 'payload', 'address', 'user_agent', 'created_at', 'decided_at', 'grant_id'])
    .where('id', '=', id)
    .where('session_uid', '=', sessionUid)
    .where(eb =>
      eb.or([eb('decided_at', 'is not', null), eb('expires_at', '>', sql<Date>`clock_timestamp()`)]),
    )
    .executeTakeFirst()
  if (!row) return undefined
  const { params } = row.payload as { params?: WaitingDevice['params'] }
  return {
    id: row.id,
    clientId: row.client_id,
    params: params ?? {},
    address: row.address,
    userAgent: row.user_agent,
    askedAt: row.created_at,
    decision: row.decided_at === null ? undefined : row.grant_id === null ? 'denied' : 'allowed',
  }
}

export interface Allowed {
  readonly accountId: string
  readonly grantId: string
  /** What the library puts into the tokens, in its own words. */
  readonly payload: Readonly<Record<string, unknown>>
}

/**
 * Decides once and for all; `allowed` undefined denies. False when it was decided before, has run out, or is another
 * session's: then nothing has happened.
 */
export async function decideDevice(
  tx: Tx | Db,
  id: string,
  sessionUid: string,
  allowed: Allowed | undefined,
): Promise<boolean> {
  const payload = JSON.stringify(allowed?.payload ?? {})
  const row = await tx
    .updateTable('device_code')
    .set({
      decided_at: sql<Date>`clock_timestamp()`,
      account_id: allowed?.accountId ?? null,
      grant_id: allowed?.grantId ?? null,
      payload: sql`payload || ${payload}::jsonb`,
    })
    .where('id', '=', id)
    .where('session_uid', '=', sessionUid)
    .where('decided_at', 'is', null)
    .where('expires_at', '>', sql<Date>`clock_timestamp()`)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}
