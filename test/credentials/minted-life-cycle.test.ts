// Making keys and personal tokens: what they may be given, and by whom; what is stored; how they are listed and ended.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { updateAccount } from '../../src/accounts/account.ts'
import type { Identity } from '../../src/credentials/kind.ts'
import type { NewMintedToken } from '../../src/credentials/minted-life-cycle.ts'
import { findMintedToken, listMintedTokens, type MintedToken } from '../../src/credentials/minted-token.ts'
import { transaction } from '../../src/db/transaction.ts'
import { mint } from '../../src/secrets/minted-format.ts'
import { startApp, type TestApp } from '../support/app.ts'
import {
  accountIdOf,
  allKnow,
  bearer,
  makeKey,
  makePersonalToken,
  mintedTokensOf,
  SYSTEM,
} from '../support/minted.ts'
import { ORDERS, ordersFile, STOCK } from '../support/orders.ts'
import { askSelf } from './kind.contract.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({ API_KEY_MAX_LIFETIME: '400d' }, ordersFile)
})
afterAll(() => app.close())

const day = 86_400_000
const inDays = (days: number) => new Date(Date.now() + days * day)
const statusOf = async (secret: string) => (await askSelf(app, bearer(secret))).status

const key: NewMintedToken = {
  kind: 'api-key',
  owner: { type: 'client', id: 'billing' },
  name: 'nightly',
  scopes: { [ORDERS]: ['read:orders'] },
}

const count = async () => {
  const { rows } = await sql<{ count: number }>`
    SELECT (SELECT count(*) FROM minted_token)::int + (SELECT count(*) FROM audit_event WHERE outcome = 'success')::int AS count
  `.execute(app.db)
  return rows[0]?.count
}

describe('a new key or personal token', () => {
  it('has the usual life, the first environment, and is shown without its secret', async () => {
    const { token, secret } = await makePersonalToken(app, {
      name: '  laptop ',
      description: 'Line one\nline two',
    })
    expect(token).toMatchObject({
      kind: 'personal-access-token',
      name: 'laptop',
      description: 'Line one\nline two',
      env: 'live',
      status: 'active',
      prefix: 'lk',
      last4: secret.slice(-4),
      lastUsed: null,
      pendingSince: null,
      retiring: null,
    })
    expect(Math.abs((token.expiresAt?.getTime() ?? 0) - inDays(90).getTime())).toBeLessThan(day)
    expect(JSON.stringify(token)).not.toContain(secret.slice(-49, -6))
    const made = await makeKey(app)
    // Its longest life: nobody said how long, and for ever is too long.
    expect(Math.abs((made.token.expiresAt?.getTime() ?? 0) - inDays(400).getTime())).toBeLessThan(day)
    expect(made.token.scopes).toEqual(new Map([[ORDERS, new Set(['read:orders', 'write:orders'])]]))
  })

  it.each<[string, Partial<NewMintedToken>, string[]]>([
    ['no name', { name: ' ' }, ['name']],
    ['a name of 10 kB', { name: 'x'.repeat(10_000) }, ['name']],
    ['control characters', { name: 'a\0b', description: 'c\u0007' }, ['name', 'description']],
    ['half a character', { name: 'a\ud800' }, ['name']],
    ['a long description', { description: 'x'.repeat(1001) }, ['description']],
    ['no scopes', { scopes: {} }, ['scopes']],
    ['no scopes of a resource', { scopes: { [ORDERS]: [] } }, [`scopes["${ORDERS}"]`]],
    ['an unknown resource', { scopes: { 'https://no\0where': ['x'] } }, ['scopes["https://no\\u0000where"]']],
    [
      'scopes the owner lacks',
      { scopes: { [ORDERS]: ['read:orders', 'admin:orders', 'nothing'], [STOCK]: ['read:stock'] } },
      [`scopes["${ORDERS}"][1]`, `scopes["${ORDERS}"][2]`, `scopes["${STOCK}"][0]`],
    ],
    ['an unknown owner', { owner: { type: 'client', id: 'nobody\0' } }, ['client_id']],
    ['another environment', { env: 'staging' }, ['env']],
    ['a life that is too long', { expiresAt: inDays(401) }, ['expires_at']],
    ['a life without end', { expiresAt: null }, ['expires_at']],
    ['the past', { expiresAt: inDays(-1) }, ['expires_at']],
    ['no time at all', { expiresAt: new Date(Number.NaN) }, ['expires_at']],
    ['an end before its beginning', { notBefore: inDays(9), expiresAt: inDays(8) }, ['not_before']],
    ['a beginning after its usual end', { notBefore: inDays(500) }, ['not_before']],
    ['no address', { allowedAddresses: [] }, ['allowed_addresses']],
    [
      'nonsense instead of addresses',
      {
        allowedAddresses: [
          '10.0.0.0/8',
          '10.0.0.1/8',
          '10.0.0.0/33',
          'example.com',
          '',
          '2001:db8::/129',
          '1.2.3',
          '10.0.0.0/8/8',
        ],
      },
      [1, 2, 3, 4, 5, 6, 7].map(index => `allowed_addresses[${index}]`),
    ],
    ['too many addresses', { allowedAddresses: Array(101).fill('10.0.0.0/8') }, ['allowed_addresses']],
    [
      'a limit of nothing',
      { rateLimit: { requests: 0, seconds: 0.5 } },
      ['rate_limit.requests', 'rate_limit.seconds'],
    ],
    ['an empty binding', { cnf: {} }, ['cnf']],
    ['a binding that is none', { cnf: { jkt: 'short' } }, ['cnf.jkt']],
  ])('%s: refused by name, and nothing is stored', async (_name, wishes, paths) => {
    const before = await count()
    const refused = await mintedTokensOf(app)
      .create(SYSTEM, { ...key, ...wishes })
      .catch((error: unknown) => error)
    expect(refused).toMatchObject({ status: 400, code: 'validation_failed' })
    expect((refused as { errors: { path: string }[] }).errors.map(({ path }) => path)).toEqual(paths)
    expect(await count()).toBe(before)
  })

  it('of a person has what the person may have now', async () => {
    await expect(
      makePersonalToken(app, { scopes: { [ORDERS]: ['admin:orders'] } }, 'bob'),
    ).rejects.toMatchObject({
      errors: [{ path: `scopes["${ORDERS}"][0]` }],
    })
    await expect(makePersonalToken(app, { expiresAt: inDays(367) })).rejects.toMatchObject({ status: 400 })
    const id = await accountIdOf(app.db, 'bob')
    await transaction(app.db, tx => updateAccount(tx, id, { disabled: true }))
    const scopes = { [ORDERS]: ['read:orders'] }
    await expect(makePersonalToken(app, { scopes }, 'bob')).rejects.toMatchObject({ status: 400 })
    await transaction(app.db, tx => updateAccount(tx, id, { disabled: false }))
  })

  it('is small', async () => {
    const { token } = await makePersonalToken(app, { scopes: { [ORDERS]: ['read:orders'] } })
    const { rows } = await sql<{ size: number }>`
      SELECT pg_column_size(t.*) AS size FROM minted_token t WHERE id = ${token.id}
    `.execute(app.db)
    expect(rows[0]?.size).toBeLessThanOrEqual(220)
  })
})

describe('what makes another', () => {
  const identityOf = ({ kind, id, owner }: MintedToken): Identity => ({
    ...{ kind, credentialId: id, subject: owner, resource: null, scopes: [] },
  })
  const by = async (parent: Partial<NewMintedToken>, child: Partial<NewMintedToken>) => {
    const { token } = await makeKey(app, parent)
    const actor = { ...SYSTEM, identity: identityOf(token) }
    return await mintedTokensOf(app).create(actor, { ...key, ...child })
  }
  const jkt = 'A'.repeat(43)

  it('gives what it has when nothing is said', async () => {
    const expiresAt = inDays(5)
    const parent = { env: 'test', expiresAt, allowedAddresses: ['10.0.0.0/8', '::1'], cnf: { jkt } }
    const { token } = await by(parent, {})
    expect(token).toMatchObject({ ...parent, allowedAddresses: ['10.0.0.0/8', '::1/128'] })
  })

  it('gives less when less is asked', async () => {
    const { token } = await by(
      { allowedAddresses: ['10.0.0.0/8'], expiresAt: inDays(5) },
      { allowedAddresses: ['10.1.0.0/16', '::ffff:10.2.0.0/112'], expiresAt: inDays(4), cnf: { jkt } },
    )
    expect(token).toMatchObject({ allowedAddresses: ['10.1.0.0/16', '10.2.0.0/16'], cnf: { jkt } })
  })

  it.each<[string, Partial<NewMintedToken>, Partial<NewMintedToken>, string]>([
    [
      'scopes',
      { scopes: { [ORDERS]: ['read:orders'] } },
      { scopes: { [ORDERS]: ['read:orders', 'write:orders'] } },
      `scopes["${ORDERS}"][1]`,
    ],
    ['environment', { env: 'test' }, { env: 'live' }, 'env'],
    ['life', { expiresAt: inDays(5) }, { expiresAt: inDays(6) }, 'expires_at'],
    ['an endless life', { expiresAt: inDays(5) }, { expiresAt: null }, 'expires_at'],
    [
      'addresses',
      { allowedAddresses: ['10.0.0.0/8'] },
      { allowedAddresses: ['0.0.0.0/0'] },
      'allowed_addresses[0]',
    ],
    ['any address', { allowedAddresses: ['10.0.0.0/8'] }, { allowedAddresses: null }, 'allowed_addresses'],
    ['binding', { cnf: { jkt } }, { cnf: { jkt: 'B'.repeat(43) } }, 'cnf'],
    ['no binding', { cnf: { jkt } }, { cnf: null }, 'cnf'],
  ])('never more: %s', async (_name, parent, child, path) => {
    await expect(by(parent, child)).rejects.toMatchObject({ status: 400, errors: [{ path }] })
  })

  it('a personal token makes and rotates no other, but itself', async () => {
    const { token } = await makePersonalToken(app)
    const { token: other } = await makePersonalToken(app)
    const actor = { ...SYSTEM, identity: identityOf(token) }
    const tokens = mintedTokensOf(app)
    const fields = { ...key, kind: 'personal-access-token' as const, owner: token.owner }
    await expect(tokens.create(actor, fields)).rejects.toMatchObject({ status: 403, code: 'access_denied' })
    await expect(tokens.rotate(actor, other.id)).rejects.toMatchObject({ status: 403, code: 'access_denied' })
    expect((await tokens.rotate(actor, token.id)).token.id).toBe(token.id)
  })

  it('a key rotates only keys that can do no more than itself', async () => {
    const { token } = await makeKey(app, { scopes: { [ORDERS]: ['read:orders'] } })
    const { token: more } = await makeKey(app)
    const { token: same } = await makeKey(app, {
      scopes: { [ORDERS]: ['read:orders'] },
      expiresAt: inDays(1),
    })
    const actor = { ...SYSTEM, identity: identityOf(token) }
    const tokens = mintedTokensOf(app)
    await expect(tokens.rotate(actor, more.id)).rejects.toMatchObject({ status: 403 })
    expect((await tokens.rotate(actor, same.id)).token.id).toBe(same.id)
  })

  it('an access token gives of our own API what it has there', async () => {
    const own = `${app.issuer}/v1`
    const subject = { type: 'account' as const, id: await accountIdOf(app.db, 'ada') }
    const identity: Identity = {
      ...{ kind: 'access-token', credentialId: 'jti', subject, clientId: 'orders-web' },
      ...{ resource: own, scopes: ['tokens:write'] },
    }
    const make = (scopes: Record<string, string[]>) =>
      mintedTokensOf(app).create(
        { ...SYSTEM, identity },
        { kind: 'personal-access-token', owner: subject, name: 'made by an application', scopes },
      )
    await expect(make({ [own]: ['clients:read'] })).rejects.toMatchObject({ status: 400 })
    expect((await make({ [own]: ['tokens:write'], [ORDERS]: ['read:orders'] })).token.owner).toEqual(subject)
  })
})

describe('a list', () => {
  it('is the owner’s, newest first, a page at a time', async () => {
    await app.apply({
      clients: [
        {
          client_id: 'many',
          client_secret: 'many-secret-for-tests-only-0123456789ab',
          grant_types: ['client_credentials'],
          resource_scopes: { [ORDERS]: ['read:orders'] },
        },
      ],
    })
    await allKnow(app)
    const owner = { type: 'client' as const, id: 'many' }
    const ids: string[] = []
    for (let times = 0; times < 5; times++)
      ids.unshift((await makeKey(app, { owner, scopes: { [ORDERS]: ['read:orders'] } })).token.id)
    const kind = 'api-key'
    const first = await listMintedTokens(app.db, { kind, owner }, { limit: 2 })
    const cursor = first.nextCursor ?? undefined
    const second = await listMintedTokens(app.db, { kind, owner }, { limit: 2, cursor })
    const last = await listMintedTokens(
      app.db,
      { kind, owner },
      { limit: 2, cursor: second.nextCursor ?? undefined },
    )
    expect([first, second, last].flatMap(({ data }) => data.map(({ id }) => id))).toEqual(ids)
    expect(last.nextCursor).toBeNull()
    const nobody = { type: 'client' as const, id: 'nobody' }
    expect(await listMintedTokens(app.db, { kind, owner: nobody }, { limit: 2 })).toEqual({
      data: [],
      nextCursor: null,
    })
    for (const bad of ['', 'x', 'W10', 'é'])
      await expect(
        listMintedTokens(app.db, { kind, owner }, { limit: 2, cursor: bad }),
      ).rejects.toMatchObject({
        errors: [{ path: 'cursor' }],
      })
  })
})

describe('the end of one', () => {
  it('is told once, however often it is asked for', async () => {
    const { token, secret } = await makeKey(app)
    const tokens = mintedTokensOf(app)
    await Promise.all([1, 2, 3].map(() => tokens.revoke(SYSTEM, token.id, 'leaked')))
    await tokens.quarantine(SYSTEM, token.id)
    expect(await statusOf(secret)).toBe(401)
    expect(await findMintedToken(app.db, token.id)).toMatchObject({
      status: 'revoked',
      revokedAt: expect.any(Date),
    })
    const events = await app.db
      .selectFrom('audit_event')
      .select(['type', 'actor_type', 'client_id', 'detail'])
      .where('subject_id', '=', token.id)
      .orderBy('created_at')
      .execute()
    expect(events.map(({ type }) => type)).toEqual(['api_key_created', 'api_key_revoked'])
    expect(events[1]).toMatchObject({
      actor_type: 'system',
      client_id: 'billing',
      detail: { reason: 'leaked' },
    })
    for (const id of ['0123456789abcdef', '', 'a\0b', "'; --"])
      await expect(tokens.revoke(SYSTEM, id)).rejects.toMatchObject({ status: 404 })
  })
})

describe('an imported hash', () => {
  const hashedWith = async (id: string) =>
    (
      await app.db
        .selectFrom('minted_token')
        .select('hashed_with')
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
    ).hashed_with
  const sha256 = (text: string) => createHash('sha256').update(text).digest()

  it('of a token in our format becomes one of ours with its first use', async () => {
    const { token: secret, id, last4 } = mint({ prefix: 'lk', env: 'live', kind: 'pat' })
    const owner = { type: 'account' as const, id: await accountIdOf(app.db, 'ada') }
    await transaction(app.db, tx =>
      mintedTokensOf(app).importHashed(tx, {
        ...{ ...key, kind: 'personal-access-token', owner, id, last4, sha256: sha256(secret) },
      }),
    )
    expect(await hashedWith(id)).toBe('sha256')
    const { token: wrong } = mint({ prefix: 'lk', env: 'live', kind: 'pat', id })
    expect(await statusOf(wrong)).toBe(401)
    expect(await hashedWith(id)).toBe('sha256')
    expect(await statusOf(secret)).toBe(200)
    expect(await hashedWith(id)).toBe(app.keyring.derive('pepper')[0]?.id)
    expect(await statusOf(secret)).toBe(200)
    expect(await statusOf(wrong)).toBe(401)
  })

  it('of a key in another format is found by it, is never its own secret, and rotates into our format', async () => {
    const secret = `sk_test_${'a1'.repeat(20)}`
    const hash = sha256(secret)
    const id = await transaction(app.db, tx => mintedTokensOf(app).importHashed(tx, { ...key, sha256: hash }))
    const self = (value: string) => askSelf(app, { 'x-api-key': value })
    expect((await self(secret)).json()).toMatchObject({ kind: 'api-key', credential_id: id })
    expect(await hashedWith(id)).toBe(app.keyring.derive('pepper')[0]?.id)
    expect((await self(secret)).status).toBe(200)
    // The hash itself opens nothing, nor does the key as a bearer.
    for (const other of [hash.toString('hex'), hash.toString('base64url'), id])
      expect((await self(other)).status).toBe(401)
    expect(await statusOf(secret)).toBe(401)
    const rotated = await mintedTokensOf(app).rotate(SYSTEM, id, { graceSeconds: 0 })
    expect([await statusOf(rotated.secret), (await self(secret)).status]).toEqual([200, 401])
  })
})
