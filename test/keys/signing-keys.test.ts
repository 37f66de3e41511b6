import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { calculateJwkThumbprint, importJWK, jwtVerify, SignJWT } from 'jose'
import { ensureSigningKeys, listSigningKeys } from '../../src/keys/signing-keys.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'

const keyring = createKeyring([Buffer.alloc(32, 1)])

let database: MigratedDatabase
beforeEach(async () => {
  database = await migratedDatabase({ poolSize: 1 })
})
afterEach(() => database.close())

const changes = () => database.db.selectFrom('change_log').select(['type', 'payload']).execute()

describe('signing keys', () => {
  it('makes one current ES256 key, named by its thumbprint, and tells the change log', async () => {
    await ensureSigningKeys(database.db, keyring)
    const keys = await listSigningKeys(database.db, keyring)
    expect(keys).toHaveLength(1)
    const [key] = keys
    if (!key) throw new Error('no key')
    expect(key).toMatchObject({
      alg: 'ES256',
      state: 'current',
      kid: await calculateJwkThumbprint(key.publicJwk),
    })
    expect(Object.keys(key.publicJwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    expect(key.privateJwk).toEqual({ ...key.publicJwk, d: expect.any(String) })
    expect(await changes()).toEqual([{ type: 'signing-key', payload: { kid: key.kid } }])
  })

  it('signs what the public key verifies', async () => {
    await ensureSigningKeys(database.db, keyring)
    const [key] = await listSigningKeys(database.db, keyring)
    if (!key) throw new Error('no key')
    const token = await new SignJWT({ ok: true })
      .setProtectedHeader({ alg: key.alg, kid: key.kid })
      .sign(await importJWK(key.privateJwk))
    expect((await jwtVerify(token, await importJWK(key.publicJwk))).payload).toEqual({ ok: true })
  })

  it('keeps the key it has', async () => {
    await ensureSigningKeys(database.db, keyring)
    const before = await listSigningKeys(database.db, keyring)
    await ensureSigningKeys(database.db, keyring)
    expect(await listSigningKeys(database.db, keyring)).toEqual(before)
    expect(await changes()).toHaveLength(1)
  })

  it('is one key when nodes start at once', async () => {
    const nodes = Array.from({ length: 5 }, () => database.another({ poolSize: 1 }))
    await Promise.all(nodes.map(db => ensureSigningKeys(db, keyring)))
    expect(await listSigningKeys(database.db, keyring)).toHaveLength(1)
    expect(await changes()).toHaveLength(1)
  })

  it('stores the private key sealed', async () => {
    await ensureSigningKeys(database.db, keyring)
    const [key] = await listSigningKeys(database.db, keyring)
    const row = await database.db.selectFrom('signing_key').selectAll().executeTakeFirstOrThrow()
    expect(JSON.stringify(row)).not.toContain(key?.privateJwk.d)
    expect(row.public_jwk).not.toHaveProperty('d')
  })

  it('opens with an older master secret, and says so when that is gone', async () => {
    await ensureSigningKeys(database.db, keyring)
    const other = Buffer.alloc(32, 2)
    const rotated = createKeyring([other, Buffer.alloc(32, 1)])
    await ensureSigningKeys(database.db, rotated)
    expect(await listSigningKeys(database.db, rotated)).toHaveLength(1)
    await expect(ensureSigningKeys(database.db, createKeyring([other]))).rejects.toThrow('LATCHKEY_SECRETS')
  })
})
