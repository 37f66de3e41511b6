import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { calculateJwkThumbprint, importJWK, jwtVerify, SignJWT } from 'jose'
import { makeSigningKey } from '../../src/keys/make-signing-key.ts'
import { ensureSigningKeys, listSigningKeys, type SigningKey } from '../../src/keys/signing-keys.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { SIGNING_ALGS } from '../../src/secrets/signing-alg.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'
import { storeSigningKey } from '../support/signing-key.ts'

const keyring = createKeyring([Buffer.alloc(32, 1)])

let database: MigratedDatabase
beforeEach(async () => {
  database = await migratedDatabase({ poolSize: 1 })
})
afterEach(() => database.close())

const changes = () => database.db.selectFrom('change_log').select(['type', 'payload']).execute()
const list = () => listSigningKeys(database.db, keyring)
const algsOf = (keys: readonly SigningKey[], state: SigningKey['state']) =>
  keys.flatMap(key => (key.state === state ? [key.alg] : []))

const PUBLIC_MEMBERS = {
  ES256: ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
  EdDSA: ['alg', 'crv', 'kid', 'kty', 'use', 'x'],
  RS256: ['alg', 'e', 'kid', 'kty', 'n', 'use'],
}
const PRIVATE_MEMBERS = { ES256: ['d'], EdDSA: ['d'], RS256: ['d', 'dp', 'dq', 'p', 'q', 'qi'] }

describe('signing keys', () => {
  it('are made, a current and a next key of each algorithm, and the change log is told', async () => {
    await ensureSigningKeys(database.db, keyring)
    const keys = await list()
    expect(keys.map(({ alg, state }) => [alg, state])).toEqual([
      ['ES256', 'current'],
      ['EdDSA', 'current'],
      ['RS256', 'current'],
      ...keys.slice(3).map(({ alg }) => [alg, 'next']),
    ])
    expect(new Set(keys.slice(3).map(({ alg }) => alg))).toEqual(new Set(SIGNING_ALGS))
    for (const { kid } of keys)
      expect(await changes()).toContainEqual({ type: 'signing-key', payload: { kid } })
    expect(await changes()).toHaveLength(6)
  })

  it('are made where one is missing', async () => {
    await storeSigningKey(database.db, keyring, { alg: 'ES256', state: 'current' })
    const [before] = await list()
    await ensureSigningKeys(database.db, keyring)
    const keys = await list()
    expect(algsOf(keys, 'current')).toEqual([...SIGNING_ALGS])
    expect(keys[0]).toEqual(before)
  })

  it('stay as they are', async () => {
    await ensureSigningKeys(database.db, keyring)
    const before = await list()
    await ensureSigningKeys(database.db, keyring)
    expect(await list()).toEqual(before)
    expect(await changes()).toHaveLength(6)
  })

  it('are the same for nodes that start at once', async () => {
    const nodes = Array.from({ length: 5 }, () => database.another({ poolSize: 1 }))
    await Promise.all(nodes.map(db => ensureSigningKeys(db, keyring)))
    expect(algsOf(await list(), 'current')).toEqual([...SIGNING_ALGS])
    expect(await list()).toHaveLength(6)
    expect(await changes()).toHaveLength(6)
  })

  it('come with the current ones first, then the newest', async () => {
    for (const state of ['current', 'previous', 'next'] as const)
      for (const alg of SIGNING_ALGS) await storeSigningKey(database.db, keyring, { alg, state })
    await ensureSigningKeys(database.db, keyring)
    expect((await list()).map(({ alg, state }) => `${state} ${alg}`)).toEqual([
      ...SIGNING_ALGS.map(alg => `current ${alg}`),
      ...[...SIGNING_ALGS].reverse().map(alg => `next ${alg}`),
      ...[...SIGNING_ALGS].reverse().map(alg => `previous ${alg}`),
    ])
  })

  it('of an algorithm that only a newer version knows are passed over', async () => {
    await storeSigningKey(database.db, keyring, { alg: 'ML-DSA-44' as 'ES256', state: 'current' }, 'ES256')
    await ensureSigningKeys(database.db, keyring)
    expect(algsOf(await list(), 'current')).toEqual([...SIGNING_ALGS])
  })

  it('are stored sealed', async () => {
    await ensureSigningKeys(database.db, keyring)
    const rows = await database.db.selectFrom('signing_key').selectAll().execute()
    const stored = JSON.stringify(rows)
    for (const { alg, privateJwk } of await list())
      for (const member of PRIVATE_MEMBERS[alg])
        expect(stored).not.toContain((privateJwk as Record<string, unknown>)[member])
    for (const { public_jwk: jwk, alg } of rows) expect(Object.keys(jwk).sort()).toEqual(PUBLIC_MEMBERS[alg])
  })

  it('open with an older master secret, are sealed anew with the newest, and it is said when none fits', async () => {
    await ensureSigningKeys(database.db, keyring)
    const other = Buffer.alloc(32, 2)
    const rotated = createKeyring([other, Buffer.alloc(32, 1)])
    await ensureSigningKeys(database.db, rotated)
    expect(await listSigningKeys(database.db, rotated)).toHaveLength(6)
    const alone = createKeyring([other])
    await ensureSigningKeys(database.db, alone)
    expect(await listSigningKeys(database.db, alone)).toEqual(await listSigningKeys(database.db, rotated))
    await expect(ensureSigningKeys(database.db, keyring)).rejects.toThrow('LATCHKEY_SECRETS')
  })
})

describe.each(SIGNING_ALGS)('a key for %s', alg => {
  it('is named by its thumbprint, and its public half has nothing private', async () => {
    const { kid, publicJwk, privateJwk } = await makeSigningKey(alg)
    expect(kid).toBe(await calculateJwkThumbprint(publicJwk))
    expect(publicJwk).toMatchObject({ kid, alg, use: 'sig' })
    expect(Object.keys(publicJwk).sort()).toEqual(PUBLIC_MEMBERS[alg])
    expect(privateJwk).toMatchObject(publicJwk)
    expect(Object.keys(privateJwk).sort()).toEqual([...PUBLIC_MEMBERS[alg], ...PRIVATE_MEMBERS[alg]].sort())
  })

  it('signs what its public half verifies', async () => {
    const { kid, publicJwk, privateJwk } = await makeSigningKey(alg)
    const token = await new SignJWT({ ok: true })
      .setProtectedHeader({ alg, kid })
      .sign(await importJWK(privateJwk))
    expect((await jwtVerify(token, await importJWK(publicJwk))).payload).toEqual({ ok: true })
  })

  it('is made while others are served', async () => {
    let turned = false
    setImmediate(() => {
      turned = true
    })
    await makeSigningKey(alg)
    expect(turned).toBe(true)
  })
})

it('an RSA key has 2048 bits', async () => {
  const { publicJwk } = await makeSigningKey('RS256')
  expect(Buffer.from(publicJwk.n ?? '', 'base64url')).toHaveLength(256)
})
