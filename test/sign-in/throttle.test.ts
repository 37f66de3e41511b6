import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import type { Db } from '../../src/db/connect.ts'
import { createSweeper } from '../../src/db/sweep.ts'
import { createLog } from '../../src/log.ts'
import { hashSecret } from '../../src/secrets/hash.ts'
import { createThrottle, type PasswordTry, throttleSweep } from '../../src/sign-in/throttle.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'
import { keyring, messagesOf, type People, people } from './people.ts'

let database: MigratedDatabase
let nodes: ReturnType<typeof createThrottle>[]
beforeAll(async () => {
  database = await migratedDatabase()
  nodes = [database.db, database.another()].map(db => createThrottle({ db, keyring }))
})
afterAll(() => database.close())

let names = 0
const nextName = () => `somebody-${++names}`
let networks = 0
const nextAddress = () => `2001:db8:0:${(++networks).toString(16)}::1`

const attempt = (more: Partial<PasswordTry> = {}): PasswordTry => ({
  username: nextName(),
  address: nextAddress(),
  knownDevice: undefined,
  ...more,
})

/**
 * How many of `tries` at once, spread over the nodes, get to the password. Twenty wait at a time: what waits for a
 * connection for longer than 5 seconds is refused for that.
 */
async function admitted(tries: readonly PasswordTry[]): Promise<number> {
  const results: PromiseSettledResult<unknown>[] = []
  for (let from = 0; from < tries.length; from += 20) {
    const together = tries.slice(from, from + 20)
    const counted = together.map((one, index) => nodes[index % 2]?.countPassword(one))
    results.push(...(await Promise.allSettled(counted)))
  }
  for (const result of results)
    if (result.status === 'rejected')
      expect(result.reason).toMatchObject({ status: 429, code: 'rate_limited' })
  return results.filter(result => result.status === 'fulfilled').length
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)

/** As if every try so far had been this many seconds earlier; negative: later, so that no wait ends during a test. */
async function age(db: Db, seconds: number): Promise<void> {
  await sql`
    UPDATE sign_in_throttle SET
      tries = ARRAY(SELECT try - make_interval(secs => ${seconds}) FROM unnest(tries) AS try ORDER BY try),
      expires_at = expires_at - make_interval(secs => ${seconds})
  `.execute(db)
}

/** Tries a minute apart, each of which gets through. */
async function triedSlowly(count: number, more: Partial<PasswordTry>): Promise<void> {
  for (let i = 0; i < count; i++) {
    expect(await admitted([attempt(more)])).toBe(1)
    await age(database.db, 60)
  }
}

async function refusal(more: Partial<PasswordTry>): Promise<{ headers: Record<string, string> }> {
  return (await nodes[0]?.countPassword(attempt(more)).catch(error => error)) as never
}

describe('an account', () => {
  it('admits at least 5 and never more than 10 of 50 tries at once on two nodes', async () => {
    const username = nextName()
    const count = await admitted(times(50, () => attempt({ username })))
    expect(count).toBeGreaterThanOrEqual(5)
    expect(count).toBeLessThanOrEqual(10)
  })

  it('admits one of 50 at once when there have been 9', async () => {
    const username = nextName()
    await triedSlowly(9, { username })
    expect(await admitted(times(50, () => attempt({ username })))).toBe(1)
    expect(await admitted(times(50, () => attempt({ username })))).toBe(0)
  })

  it('admits one at a time, ever later, once there have been 5', async () => {
    for (const [before, wait] of [
      [7, 8],
      [8, 16],
    ] as const) {
      const username = nextName()
      await triedSlowly(before, { username })
      expect(await admitted(times(20, () => attempt({ username })))).toBe(1)
      await age(database.db, -60)
      expect(await admitted(times(20, () => attempt({ username })))).toBe(0)
      await age(database.db, 60 + wait)
      expect(await admitted(times(20, () => attempt({ username })))).toBe(1)
    }
  })

  it('has 10 tries in any 15 minutes, not in each quarter of an hour', async () => {
    const username = nextName()
    await triedSlowly(10, { username })
    await age(database.db, 240)
    // The first is 14 minutes old, then 15.
    expect(await admitted(times(20, () => attempt({ username })))).toBe(0)
    await age(database.db, 60)
    expect(await admitted(times(20, () => attempt({ username })))).toBe(1)
    expect(await admitted(times(20, () => attempt({ username })))).toBe(0)
  })

  it('says how long to wait', async () => {
    const username = nextName()
    for (let i = 0; i < 5; i++) await nodes[0]?.countPassword(attempt({ username }))
    await age(database.db, -60)
    const first = Number((await refusal({ username })).headers['Retry-After'])
    expect(first).toBeGreaterThan(1)
    expect(first).toBeLessThanOrEqual(61)
    await age(database.db, 120)
    await triedSlowly(5, { username })
    const whole = Number((await refusal({ username })).headers['Retry-After'])
    expect(whole).toBeGreaterThan(61)
    expect(whole).toBeLessThanOrEqual(900)
  })

  it('starts afresh after the right password, and forgets a try that was never checked', async () => {
    const username = nextName()
    for (let i = 0; i < 4; i++) await nodes[0]?.countPassword(attempt({ username }))
    await (await nodes[0]?.countPassword(attempt({ username })))?.succeed()
    for (let i = 0; i < 5; i++) await nodes[0]?.countPassword(attempt({ username }))
    const other = nextName()
    for (let i = 0; i < 20; i++)
      await (await nodes[0]?.countPassword(attempt({ username: other })))?.giveBack()
    for (let i = 0; i < 5; i++) await nodes[0]?.countPassword(attempt({ username: other }))
  })

  it('keeps a device of the owner apart', async () => {
    const username = nextName()
    for (let i = 0; i < 5; i++) await nodes[0]?.countPassword(attempt({ username }))
    await age(database.db, -60)
    const own = { username, knownDevice: 'the device' }
    await (await nodes[0]?.countPassword(attempt(own)))?.succeed()
    expect(await admitted([attempt({ username })])).toBe(0)
    expect(await admitted(times(50, () => attempt(own)))).toBeLessThanOrEqual(10)
  })
})

describe('a source', () => {
  it('admits 100 tries, whatever names are tried', async () => {
    const address = nextAddress()
    expect(await admitted(times(120, () => attempt({ address })))).toBe(100)
    expect(await admitted([attempt({ address: address.replace('::1', ':abcd::2') })])).toBe(0)
    expect(await admitted([attempt()])).toBe(1)
  })

  it('gets the successful ones back, but no others', async () => {
    const address = nextAddress()
    await admitted(times(99, () => attempt({ address })))
    for (let i = 0; i < 3; i++) await (await nodes[1]?.countPassword(attempt({ address })))?.succeed()
    expect(await admitted(times(3, () => attempt({ address })))).toBe(1)
  })

  it('that is refused uses up nothing of the account', async () => {
    const [username, address] = [nextName(), nextAddress()]
    await admitted(times(100, () => attempt({ address })))
    expect(await admitted(times(20, () => attempt({ username, address })))).toBe(0)
    for (let i = 0; i < 5; i++) await nodes[0]?.countPassword(attempt({ username }))
  })
})

describe('the table', () => {
  it('holds no names and no addresses', async () => {
    await nodes[0]?.countPassword(attempt({ username: 'plain-to-see', address: '198.51.100.77' }))
    const { rows } = await sql<{
      text: string
    }>`SELECT throttle::text AS text FROM sign_in_throttle throttle`.execute(database.db)
    const text = rows.map(row => row.text).join()
    for (const value of ['plain-to-see', '198.51.100.77']) {
      expect(text).not.toContain(value)
      expect(text).not.toContain(Buffer.from(value).toString('hex'))
      expect(text).not.toContain(hashSecret(keyring, value).hash.toString('hex'))
    }
  })

  it('loses the rows that count nothing any more', async () => {
    const sweeper = createSweeper({ db: database.db, log: createLog('silent') })
    sweeper.register(throttleSweep)
    const username = nextName()
    await nodes[0]?.countPassword(attempt({ username }))
    await age(database.db, 10_000)
    await nodes[0]?.countPassword(attempt({ username: nextName() }))
    expect(await sweeper.runOnce()).toBeGreaterThan(0)
    const { rows } = await sql`SELECT 1 FROM sign_in_throttle`.execute(database.db)
    expect(rows.length).toBe(2)
  })
})

describe('through the form', () => {
  let site: People
  beforeAll(async () => {
    site = await people()
  })
  afterAll(() => site.close())

  const guess = (username: string, address: string) =>
    site.browser(address).signIn({ username, password: 'wrong password' })

  /** A few at once: more would meet the limit of passwords that may wait, not the one of tries. */
  async function inRounds<T>(count: number, make: () => Promise<T>): Promise<T[]> {
    const all: T[] = []
    while (all.length < count) all.push(...(await Promise.all(times(4, make))))
    return all
  }

  it('answers 429 the same way for names that exist and names that do not, and lets the owner in', async () => {
    const owner = site.browser('203.0.113.1')
    await owner.signUp()
    const answers = []
    for (const username of ['ada', 'nobody']) {
      const statuses = await inRounds(20, () => guess(username, '203.0.113.66'))
      const checked = statuses.filter(({ status }) => status === 401).length
      expect(checked).toBeGreaterThanOrEqual(5)
      expect(checked).toBeLessThanOrEqual(10)
      await age(site.db, -60)
      answers.push(await guess(username, '203.0.113.67'))
    }
    for (const answer of answers) {
      expect(answer.status).toBe(429)
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      expect(messagesOf(answer).form).toMatch(
        /^That was too many tries\. Try again in \d+ (second|minute)s?\.$/,
      )
    }
    // The right password of a stranger's browser does not help it, the owner's browser gets in.
    expect((await site.browser('203.0.113.68').signIn()).status).toBe(429)
    await owner.signOut()
    expect((await owner.signIn()).status).toBe(303)
    expect((await site.browser('203.0.113.68').signIn()).status).toBe(429)
  })

  it('remembers a device for the accounts that signed in from it, and no others', async () => {
    const shared = site.browser('203.0.113.2')
    await shared.signUp({ username: 'grace', name: 'Grace', email: 'g@example.com' })
    await shared.signOut()
    await shared.signUp({ username: 'joan', name: 'Joan', email: 'j@example.com' })
    await shared.signOut()
    await site.browser('203.0.113.3').signUp({ username: 'edith', name: 'Edith', email: 'e@example.com' })
    for (const username of ['grace', 'joan', 'edith'])
      await inRounds(20, () => guess(username, '203.0.113.69'))
    await age(site.db, -60)
    expect((await shared.signIn({ username: 'grace' })).status).toBe(303)
    await shared.signOut()
    expect((await shared.signIn({ username: 'joan' })).status).toBe(303)
    await shared.signOut()
    expect((await shared.signIn({ username: 'edith' })).status).toBe(429)
  })

  it('replaces a device cookie that this server never gave out', async () => {
    const visitor = site.browser('203.0.113.4')
    visitor.jar.set('latchkey_device', 'planted')
    await visitor.signUp({ username: 'mary', name: 'Mary', email: 'm@example.com' })
    expect(visitor.jar.get('latchkey_device')).toMatch(/^[\w-]{43}$/)
    const { rows } = await sql<{
      text: string
    }>`SELECT device::text AS text FROM known_device device`.execute(site.db)
    expect(rows.map(row => row.text).join()).not.toContain(visitor.jar.get('latchkey_device'))
  })

  it('stops somebody who collects usernames at sign-up', async () => {
    const answers = await inRounds(40, () => site.browser('203.0.113.5').signUp())
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter(status => status === 422).length).toBeLessThanOrEqual(30)
    expect(new Set(statuses)).toEqual(new Set([422, 429]))
    expect((await site.browser('203.0.113.6').signUp()).status).toBe(422)
  })
})
