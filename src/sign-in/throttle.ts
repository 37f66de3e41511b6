/**
 * How often somebody may guess: the same counters behind every door that takes a password or a device's code. A try is counted before the
 * password is looked at and given back when it was right or was never checked, so that tries in parallel, on any number
 * of nodes, cannot get past a limit together. Counted in Postgres by its clock, each counter in one statement; keys are
 * HMACs, so that the table holds no names and no addresses. When the database is down, nobody gets to try.
 *
 * Per account from unknown devices: 5 tries at once, then a wait that doubles from a second, at most 10 in any 15
 * minutes. A device of the owner (device.ts) has a counter of its own, so that nobody can be shut out by someone who
 * guesses. Per source: 100 in any 15 minutes. Names that nobody has are counted like those that somebody has.
 */
import { sql } from 'kysely'
import type { Db } from '../db/connect.ts'
import type { SweepTarget } from '../db/sweep.ts'
import { Problem } from '../http/problem.ts'
import { hashSecret } from '../secrets/hash.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { sourceNetwork } from './source-network.ts'

const WINDOW_SECONDS = 900

interface Limit {
  /** In any 15 minutes. */
  readonly most: number
  /** From this many on, each try waits 1, 2, 4, … seconds after the one before. */
  readonly slowAfter: number
}

const ACCOUNT: Limit = { most: 10, slowAfter: 5 }
const SOURCE: Limit = { most: 100, slowAfter: 100 }
/** Names that turned out to be taken: what somebody who collects usernames would see. */
const SIGN_UP_SOURCE: Limit = { most: 30, slowAfter: 30 }
/** Applications registered without a token, those that were deleted again included, changes to such, and documents read for the first time. */
const REGISTRATION_SOURCE: Limit = { most: 60, slowAfter: 60 }

/** Requests for authorization that wait for a person to answer, for which nobody has proved who asks. */
const REQUEST_SOURCE: Limit = { most: 1000, slowAfter: 1000 }

/** Reports of leaked credentials, of up to a hundred each. */
const LEAK_SOURCE: Limit = { most: 60, slowAfter: 60 }

export const throttleSweep: SweepTarget = {
  name: 'sign-in throttle',
  table: 'sign_in_throttle',
  where: sql<boolean>`expires_at < now()`,
}

export interface PasswordTry {
  /** Normalised. */
  readonly username: string
  readonly address: string | undefined
  /** A device that this account's owner signed in from; undefined for any other. */
  readonly knownDevice: string | undefined
}

/** A try that is counted. Leave it alone when the password was wrong. */
export interface CountedTry {
  /** The password was right: the account starts afresh, the source gets this try back. */
  succeed(): Promise<void>
  /** Nothing was checked after all: as if the try had not been. */
  giveBack(): Promise<void>
}

export interface Throttle {
  /** @throws Problem 429 `rate_limited` with `Retry-After` */
  countPassword(attempt: PasswordTry): Promise<CountedTry>
  /**
   * Counts a code that somebody typed to connect a device. Give it back when it was right; it never clears the account's
   * tries, since anybody can get a right code.
   * @throws Problem 429 `rate_limited` with `Retry-After`
   */
  countUserCode(attempt: { accountId: string; address: string | undefined }): Promise<CountedTry>
  /** Counts a username asked for at sign-up. @throws Problem 429 `rate_limited` with `Retry-After` */
  countSignUp(address: string | undefined): Promise<CountedTry>
  /** Counts an application that registers itself, changes what it has registered, or is looked up for the first time. @throws Problem 429 `rate_limited` with `Retry-After` */
  countRegistration(address: string | undefined): Promise<void>
  /** Counts a request that waits for a person's answer. @throws Problem 429 `rate_limited` with `Retry-After` */
  countRequest(address: string | undefined): Promise<void>
  /** A person has answered one: there is room for another. */
  answeredRequest(address: string | undefined): Promise<void>
  /** Counts a report of leaked credentials. @throws Problem 429 `rate_limited` with `Retry-After` */
  countLeakReport(address: string | undefined): Promise<void>
}

export function createThrottle({ db, keyring }: { db: Db; keyring: Keyring }): Throttle {
  const keyOf = (kind: string, ...parts: string[]) =>
    hashSecret(keyring, JSON.stringify(['sign-in throttle', kind, ...parts])).hash

  async function count(key: Buffer, limit: Limit): Promise<string> {
    const at = await countTry(db, key, limit)
    if (at !== undefined) return at
    throw tooManyTries(await secondsToWait(db, key, limit))
  }

  /** For an account and for where the try comes from: that is one counter, whatever is tried. */
  async function countBoth(account: Buffer, address: string | undefined): Promise<CountedTry> {
    const source = keyOf('source', sourceNetwork(address))
    // The source first: once it may not try any more, it cannot fill the table with names either.
    const sourceAt = await count(source, SOURCE)
    let accountAt: string
    try {
      accountAt = await count(account, ACCOUNT)
    } catch (error) {
      await uncountTry(db, source, sourceAt)
      throw error
    }
    return {
      async succeed() {
        await forgetTries(db, account)
        await uncountTry(db, source, sourceAt)
      },
      async giveBack() {
        await uncountTry(db, account, accountAt)
        await uncountTry(db, source, sourceAt)
      },
    }
  }

  return {
    countPassword: ({ username, address, knownDevice }) =>
      countBoth(knownDevice ? keyOf('device', username, knownDevice) : keyOf('account', username), address),
    async countUserCode({ accountId, address }) {
      const { giveBack } = await countBoth(keyOf('user code', accountId), address)
      return { giveBack, succeed: giveBack }
    },
    async countSignUp(address) {
      const source = keyOf('sign-up source', sourceNetwork(address))
      const at = await count(source, SIGN_UP_SOURCE)
      const uncount = () => uncountTry(db, source, at)
      return { succeed: uncount, giveBack: uncount }
    },
    async countRegistration(address) {
      await count(keyOf('registration source', sourceNetwork(address)), REGISTRATION_SOURCE)
    },
    async countRequest(address) {
      await count(keyOf('request source', sourceNetwork(address)), REQUEST_SOURCE)
    },
    async answeredRequest(address) {
      await uncountOldest(db, keyOf('request source', sourceNetwork(address)))
    },
    async countLeakReport(address) {
      await count(keyOf('leak source', sourceNetwork(address)), LEAK_SOURCE)
    },
  }
}

/** `retryAfter` in seconds. */
function tooManyTries(retryAfter: number): Problem {
  return new Problem(429, 'rate_limited', 'That was too many tries.', undefined, {
    headers: { 'Retry-After': String(retryAfter) },
  })
}

const WINDOW = sql`make_interval(secs => ${WINDOW_SECONDS})`

/** When the next try may be, given those of the window (`try`): 1, 2, 4, … seconds after the last one. */
const WAIT = ({ slowAfter }: Limit) =>
  sql`make_interval(secs => CASE WHEN count(*) < ${slowAfter} THEN 0 ELSE 2 ^ (count(*) - ${slowAfter}) END)`

/**
 * One statement: the row is locked while the limit is judged, so two tries never see the same count. Returns the moment
 * as Postgres writes it (microseconds, which a Date has not), or undefined when there is no room.
 */
async function countTry(db: Db, key: Buffer, limit: Limit): Promise<string | undefined> {
  const { rows } = await sql<{ at: string }>`
    INSERT INTO sign_in_throttle AS throttle (key, tries, expires_at)
    VALUES (${key}, ARRAY[clock_timestamp()], clock_timestamp() + ${WINDOW})
    ON CONFLICT (key) DO UPDATE SET
      tries = ARRAY(
        SELECT try FROM unnest(throttle.tries) AS try WHERE try > excluded.tries[1] - ${WINDOW} ORDER BY try
      ) || excluded.tries,
      expires_at = excluded.expires_at
    WHERE (
      SELECT count(*) < ${limit.most} AND (count(*) < ${limit.slowAfter} OR max(try) + ${WAIT(limit)} <= excluded.tries[1])
      FROM unnest(throttle.tries) AS try WHERE try > excluded.tries[1] - ${WINDOW}
    )
    RETURNING tries[cardinality(tries)]::text AS at
  `.execute(db)
  return rows[0]?.at
}

async function uncountTry(db: Db, key: Buffer, at: string): Promise<void> {
  await sql`
    UPDATE sign_in_throttle SET tries = array_remove(tries, ${at}::timestamptz) WHERE key = ${key}
  `.execute(db)
}

async function uncountOldest(db: Db, key: Buffer): Promise<void> {
  await sql`UPDATE sign_in_throttle SET tries = tries[2:] WHERE key = ${key}`.execute(db)
}

async function forgetTries(db: Db, key: Buffer): Promise<void> {
  await sql`DELETE FROM sign_in_throttle WHERE key = ${key}`.execute(db)
}

/** At least 1. */
async function secondsToWait(db: Db, key: Buffer, limit: Limit): Promise<number> {
  const { rows } = await sql<{ seconds: number | null }>`
    SELECT ceil(extract(epoch FROM
      CASE WHEN count(*) < ${limit.most} THEN max(try) + ${WAIT(limit)} ELSE min(try) + ${WINDOW} END
      - clock_timestamp()
    ))::integer AS seconds
    FROM sign_in_throttle, unnest(tries) AS try
    WHERE key = ${key} AND try > clock_timestamp() - ${WINDOW}
  `.execute(db)
  return Math.max(rows[0]?.seconds ?? 1, 1)
}
