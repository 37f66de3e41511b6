// Rotation: the id stays, the old secret lives on for as long as it was told to, and its use after that is noticed.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { findMintedToken } from '../../src/credentials/minted-token.ts'
import { appendChange } from '../../src/db/change-log.ts'
import { transaction } from '../../src/db/transaction.ts'
import { bearer as bearerCaller } from '../support/api-callers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { allKnow, bearer, makeKey, makePersonalToken, mintedTokensOf, SYSTEM } from '../support/minted.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { startNode } from '../support/verifying-node.ts'
import { askSelf, badCredential, outsideOf } from './kind.contract.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, ordersFile)
})
afterAll(() => app.close())

const self = (secret: string, of = app) => askSelf(of, bearer(secret))
const statusOf = async (secret: string, of = app) => (await self(secret, of)).status
const rotate = (...args: [string, object?]) => mintedTokensOf(app).rotate(SYSTEM, ...args)

/** As if the grace of its replaced secrets had run out. */
async function endGrace(of: TestApp, id: string): Promise<void> {
  await transaction(of.db, async tx => {
    await sql`
      UPDATE minted_token SET retired = (
        SELECT jsonb_agg(one || jsonb_build_object('until', clock_timestamp())) FROM jsonb_array_elements(retired) one
      ) WHERE id = ${id}
    `.execute(tx)
    await appendChange(tx, 'credential', { id })
  })
  await allKnow(of)
}

const eventsOf = async (of: TestApp, id: string) => {
  const rows = await of.db
    .selectFrom('audit_event')
    .select(['type', 'outcome', 'actor_type', 'detail'])
    .where('subject_id', '=', id)
    .orderBy('created_at')
    .execute()
  return rows
}

describe('a rotation', () => {
  it('keeps the id; the new secret waits for its first use, which begins the grace of the old one', async () => {
    const { token, secret: old } = await makeKey(app)
    const { token: rotated, secret: fresh } = await rotate(token.id)
    expect(rotated).toMatchObject({ id: token.id, last4: token.last4, retiring: null })
    expect(rotated.pendingSince).toBeInstanceOf(Date)
    expect(fresh).not.toBe(old)

    // Nobody has used the new one: the old one is the current one.
    const before = await self(old)
    expect([before.status, before.headers['x-credential-warning']]).toEqual([200, undefined])
    expect(await statusOf(fresh)).toBe(200)
    const after = await self(old)
    expect(after.status).toBe(200)
    expect(after.headers['x-credential-warning']).toMatch(/^retired_secret; retire_at="20\d\d-.*Z"$/)
    expect((await self(fresh)).headers['x-credential-warning']).toBeUndefined()
    const shown = await findMintedToken(app.db, token.id)
    expect(shown).toMatchObject({ last4: fresh.slice(-4), pendingSince: null })
    expect(shown?.retiring?.last4).toBe(old.slice(-4))
    const left = (shown?.retiring?.until.getTime() ?? 0) - Date.now()
    expect(left).toBeGreaterThan(86_000_000)
    expect(left).toBeLessThan(86_500_000)

    await endGrace(app, token.id)
    expect(outsideOf(await self(old))).toEqual(badCredential(app.issuer))
    expect(await statusOf(fresh)).toBe(200)
    expect(await findMintedToken(app.db, token.id)).toMatchObject({ status: 'active', retiring: null })
  })

  it('without a grace: the first use of the new one ends the old one', async () => {
    const { token, secret: old } = await makePersonalToken(app)
    const { secret: fresh } = await rotate(token.id, { graceSeconds: 0 })
    expect(await statusOf(old)).toBe(200)
    expect(await statusOf(fresh)).toBe(200)
    expect(await statusOf(old)).toBe(401)
  })

  it('at once', async () => {
    const { token, secret: old } = await makeKey(app)
    const { secret: fresh } = await rotate(token.id, { immediately: true })
    expect([await statusOf(old), await statusOf(fresh)]).toEqual([401, 200])
  })

  it('at once ends what was replaced before and is in its grace, too', async () => {
    const { token, secret: leaked } = await makeKey(app)
    const { secret: second } = await rotate(token.id)
    expect([await statusOf(second), await statusOf(leaked)]).toEqual([200, 200])
    const { secret: fresh } = await rotate(token.id, { immediately: true })
    expect([await statusOf(leaked), await statusOf(second), await statusOf(fresh)]).toEqual([401, 401, 200])
    expect((await findMintedToken(app.db, token.id))?.retiring).toBeNull()
  })

  it('is not for a secret in its grace, which would outlive it; everything else is', async () => {
    const { token, secret: old } = await makeKey(app)
    const { secret: fresh } = await rotate(token.id)
    expect(await statusOf(fresh)).toBe(200)
    const by = (secret: string) =>
      bearerCaller(app, secret).call('POST', '/v1/credentials/self/rotate', { immediately: true })
    const refused = await by(old)
    expect([refused.status, refused.json().code]).toEqual([403, 'access_denied'])
    expect([await statusOf(old), await statusOf(fresh)]).toEqual([200, 200])
    expect((await by(fresh)).status).toBe(200)
    expect([await statusOf(old), await statusOf(fresh)]).toEqual([401, 401])
  })

  it('at a date: both work until then', async () => {
    const { token, secret: old } = await makeKey(app)
    const retireAt = new Date(Date.now() + 3_600_000)
    const { secret: fresh } = await rotate(token.id, { retireAt })
    expect(await statusOf(fresh)).toBe(200)
    const answer = await self(old)
    expect(answer.status).toBe(200)
    expect(answer.headers['x-credential-warning']).toBe(
      `retired_secret; retire_at="${retireAt.toISOString()}"`,
    )
    await endGrace(app, token.id)
    expect([await statusOf(old), await statusOf(fresh)]).toEqual([401, 200])
  })

  it('again, before the new one was used: that one is gone, the old one works on', async () => {
    const { token, secret: old } = await makeKey(app)
    const { secret: unused } = await rotate(token.id)
    const { secret: fresh } = await rotate(token.id)
    expect([await statusOf(old), await statusOf(unused), await statusOf(fresh)]).toEqual([200, 401, 200])
  })

  it('many times: a few old ones are remembered, all are refused', async () => {
    const { token, secret } = await makeKey(app)
    const old = [secret]
    for (let times = 0; times < 8; times++) old.push((await rotate(token.id, { immediately: true })).secret)
    const current = old.pop() ?? ''
    for (const one of old) expect(await statusOf(one)).toBe(401)
    expect(await statusOf(current)).toBe(200)
    const row = await app.db
      .selectFrom('minted_token')
      .select('retired')
      .where('id', '=', token.id)
      .executeTakeFirstOrThrow()
    expect(row.retired).toHaveLength(5)
  })

  it('twenty first uses at once on two nodes: all are let in, one begins the grace', async () => {
    const { token } = await makeKey(app)
    const { secret: fresh } = await rotate(token.id, { graceSeconds: 60 })
    const node = await startNode(app, app.database.another())
    const uses = Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0 ? statusOf(fresh) : node.verify(fresh, {}).then(() => 200),
    )
    expect(new Set(await Promise.all(uses))).toEqual(new Set([200]))
    await node.stop()
    const completed = (await eventsOf(app, token.id)).filter(
      ({ type }) => type === 'api_key_rotation_completed',
    )
    expect(completed).toHaveLength(1)
  })

  it('is refused for what has ended, and for what makes no sense', async () => {
    const { token } = await makeKey(app)
    for (const rotation of [
      { graceSeconds: -1 },
      { graceSeconds: 1.5 },
      { graceSeconds: 1e9 },
      { retireAt: new Date(Date.now() - 1000) },
      { retireAt: new Date(Number.NaN) },
      { retireAt: new Date(Date.now() + 4e10) },
      { retireAt: new Date(Date.now() + 1000), immediately: true },
      { immediately: true, graceSeconds: 5 },
    ])
      await expect(rotate(token.id, rotation)).rejects.toMatchObject({
        status: 400,
        code: 'validation_failed',
      })
    await expect(rotate('0123456789abcdef')).rejects.toMatchObject({ status: 404 })
    await expect(rotate('nobody\0')).rejects.toMatchObject({ status: 404 })
    await mintedTokensOf(app).revoke(SYSTEM, token.id)
    await expect(rotate(token.id)).rejects.toMatchObject({ status: 409, code: 'conflict' })
  })
})

describe('the use of a replaced secret after its grace', () => {
  it.each([
    ['report', 'active', 200],
    ['quarantine', 'quarantined', 401],
    ['revoke', 'revoked', 401],
  ])('policy %s: the key is %s afterwards', async (policy, status, afterwards) => {
    const other = await startApp({ RETIRED_SECRET_POLICY: policy }, ordersFile)
    const { token, secret: old } = await makeKey(other)
    const { secret: fresh } = await mintedTokensOf(other).rotate(SYSTEM, token.id, { immediately: true })
    expect(await statusOf(fresh, other)).toBe(200)
    expect(outsideOf(await self(old, other))).toEqual(badCredential(other.issuer))
    expect(await statusOf(fresh, other)).toBe(afterwards)
    expect(await findMintedToken(other.db, token.id)).toMatchObject({ status })
    await other.app.stop()
    const events = await eventsOf(other, token.id)
    const used = events.find(({ type }) => type === 'retired_secret_used')
    expect(used).toMatchObject({ outcome: 'refused', actor_type: 'anonymous' })
    expect(used?.detail).toMatchObject({ policy, last4: old.slice(-4) })
    await other.close()
  })

  it('within it, it is let in and told once', async () => {
    const other = await startApp({}, ordersFile)
    const { token, secret: old } = await makeKey(other)
    await mintedTokensOf(other).rotate(SYSTEM, token.id, { retireAt: new Date(Date.now() + 3_600_000) })
    for (let times = 0; times < 3; times++) expect(await statusOf(old, other)).toBe(200)
    await other.app.stop()
    const types = (await eventsOf(other, token.id)).map(({ type }) => type)
    expect(types).toEqual(['api_key_created', 'api_key_rotated', 'api_key_replaced_secret_used'])
    await other.close()
  })
})

it('a key that cannot be told from memory is judged the same: nothing of a rotation is only in memory', async () => {
  const { token, secret: old } = await makeKey(app, { scopes: { [ORDERS]: ['read:orders'] } })
  const { secret: fresh } = await rotate(token.id, { graceSeconds: 0 })
  const first = await startNode(app)
  await first.verify(fresh, {})
  await first.stop()
  const second = await startNode(app, app.database.another())
  await expect(second.verify(old, {})).rejects.toMatchObject({ status: 401 })
  expect(await second.verify(fresh, {})).toMatchObject({ credentialId: token.id })
  await second.stop()
})
