import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createAudit } from '../../src/audit/audit.ts'
import { transaction } from '../../src/db/transaction.ts'
import {
  endSigningKey,
  moveSigningKeys,
  PUBLISHED_BEFORE_USE,
  type RotationDeps,
  rotateSigningKeys,
} from '../../src/keys/rotate-signing-keys.ts'
import { createSigningKeyWorker } from '../../src/keys/signing-key-worker.ts'
import { ensureSigningKeys, listRetiredKeys, selectSigningKeys } from '../../src/keys/signing-keys.ts'
import type { SigningKeyState } from '../../src/keys/tables.ts'
import { createLog } from '../../src/log.ts'
import { findResource } from '../../src/resources/resource.ts'
import { upsertResource } from '../../src/resources/upsert-resource.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { SIGNING_ALGS, type SigningAlg } from '../../src/secrets/signing-alg.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'
import { keysGrowOlder } from '../support/signing-key.ts'

const DAY = 86_400
const LIFETIME = 90 * DAY
const keyring = createKeyring([Buffer.alloc(32, 1)])
const log = createLog('silent')
const system = { actor: { type: 'system' } } as const

let database: MigratedDatabase
let deps: RotationDeps
beforeEach(async () => {
  database = await migratedDatabase({ poolSize: 1 })
  const { db } = database
  deps = {
    db,
    keyring,
    audit: createAudit({ db, log }),
    config: { signingKeyLifetime: LIFETIME },
    longestTokenLifetime: 3600,
    longestSession: 90 * 86_400,
  }
  await ensureSigningKeys(db, keyring)
})
afterEach(() => database.close())

const rows = () => selectSigningKeys(database.db)
/** The kids of one algorithm, newest first. */
async function kids(alg: SigningAlg, state: SigningKeyState): Promise<string[]> {
  return (await rows()).filter(row => row.alg === alg && row.state === state).map(({ kid }) => kid)
}
const only = async (alg: SigningAlg, state: SigningKeyState) => {
  const [kid = '', ...more] = await kids(alg, state)
  expect(more).toEqual([])
  return kid
}
const told = async () =>
  (await database.db.selectFrom('change_log').selectAll().where('type', '=', 'signing-key').execute()).length
const audited = async () =>
  (
    await database.db.selectFrom('audit_event').select(['type', 'subject_id']).orderBy('created_at').execute()
  ).map(({ type, subject_id: id }) => `${type} ${id}`)

describe('by itself', () => {
  it('nothing happens before a key has signed for its time', async () => {
    await keysGrowOlder(database.db, LIFETIME - 60)
    const before = await rows()
    expect(await moveSigningKeys(deps)).toBe(false)
    expect(await rows()).toEqual(before)
  })

  it('every next key follows, another one is published, and everybody is told', async () => {
    const before = await rows()
    await keysGrowOlder(database.db, LIFETIME + 1)
    const tellings = await told()
    expect(await moveSigningKeys(deps)).toBe(true)
    for (const alg of SIGNING_ALGS) {
      const was = (state: SigningKeyState) => before.find(row => row.alg === alg && row.state === state)?.kid
      expect(await only(alg, 'previous')).toBe(was('current'))
      expect(await only(alg, 'current')).toBe(was('next'))
      expect(before.map(({ kid }) => kid)).not.toContain(await only(alg, 'next'))
      expect(await audited()).toContain(`signing_key_rotated ${was('next')}`)
    }
    expect(await told()).toBe(tellings + 6)
    expect(await moveSigningKeys(deps)).toBe(false)
  })

  it('a next key that was published a moment ago does not sign yet', async () => {
    await keysGrowOlder(database.db, LIFETIME + 1)
    await database.db.deleteFrom('signing_key').where('state', '=', 'next').execute()
    expect(await moveSigningKeys(deps)).toBe(false)
    await keysGrowOlder(database.db, PUBLISHED_BEFORE_USE - 30)
    expect(await moveSigningKeys(deps)).toBe(false)
    await keysGrowOlder(database.db, 31)
    expect(await moveSigningKeys(deps)).toBe(true)
    expect(await kids('ES256', 'previous')).toHaveLength(1)
  })

  it('without a lifetime nothing happens, ever', async () => {
    await keysGrowOlder(database.db, 100 * LIFETIME)
    expect(await moveSigningKeys({ ...deps, config: { signingKeyLifetime: undefined } })).toBe(false)
  })

  it('a previous key stays until its last token has ended, and not much longer', async () => {
    await keysGrowOlder(database.db, LIFETIME + 1)
    await moveSigningKeys(deps)
    await keysGrowOlder(database.db, 3600 + 240)
    expect(await moveSigningKeys(deps)).toBe(false)
    expect(await kids('RS256', 'previous')).toHaveLength(1)
    await keysGrowOlder(database.db, 120)
    expect(await moveSigningKeys(deps)).toBe(true)
    expect(await kids('RS256', 'previous')).toEqual([])
  })

  it('of a retired key the public half stays as long as a session can, and nothing else', async () => {
    const { db } = database
    const current = await only('ES256', 'current')
    await keysGrowOlder(db, LIFETIME + 1)
    await moveSigningKeys(deps)
    await keysGrowOlder(db, 2 * 3600)
    await moveSigningKeys(deps)
    const retired = () => db.selectFrom('signing_key').selectAll().where('state', '=', 'retired').execute()
    expect((await listRetiredKeys(db)).map(({ kid }) => kid)).toContain(current)
    expect((await retired()).map(({ sealed_private_jwk: sealed }) => sealed)).toEqual(['', '', ''])
    await keysGrowOlder(db, 90 * DAY - 60)
    await moveSigningKeys({ ...deps, config: { signingKeyLifetime: undefined } })
    expect(await retired()).toHaveLength(3)
    await keysGrowOlder(db, 120)
    await moveSigningKeys({ ...deps, config: { signingKeyLifetime: undefined } })
    expect(await retired()).toEqual([])
  })

  it('the longest life that tokens of a resource ever had counts', async () => {
    const { db } = database
    const identifier = 'https://long.example'
    await db
      .insertInto('resource')
      .values({ identifier, name: 'Long', organization_id: null, env: null, access_token_lifetime: 10 * DAY })
      .execute()
    const resource = await findResource(db, identifier)
    if (!resource) throw new Error('the resource is not there')
    for (const accessTokenLifetime of [20 * DAY, 300])
      await transaction(db, tx => upsertResource(tx, { ...resource, accessTokenLifetime }))
    await keysGrowOlder(db, LIFETIME + 1)
    await moveSigningKeys(deps)
    await keysGrowOlder(db, 20 * DAY)
    expect(await moveSigningKeys(deps)).toBe(false)
    await keysGrowOlder(db, 600)
    expect(await moveSigningKeys(deps)).toBe(true)
    expect(await kids('ES256', 'previous')).toEqual([])
  })

  it('many nodes at once make one step of it', async () => {
    await keysGrowOlder(database.db, LIFETIME + 1)
    const nodes = Array.from({ length: 4 }, () => ({ ...deps, db: database.another({ poolSize: 1 }) }))
    const moved = await Promise.all(nodes.map(node => moveSigningKeys(node)))
    expect(moved.filter(Boolean)).toHaveLength(1)
    expect((await rows()).map(({ state }) => state).sort()).toEqual(
      ['current', 'next', 'previous'].flatMap(state => [state, state, state]),
    )
  })

  it('one node has the turn, and the next when its lease is over', async () => {
    await keysGrowOlder(database.db, LIFETIME + 1)
    const workers = Array.from({ length: 3 }, () => createSigningKeyWorker({ ...deps, log }))
    const did = await Promise.all(workers.map(worker => worker.runOnce()))
    expect(did.filter(Boolean)).toHaveLength(1)
    await keysGrowOlder(database.db, LIFETIME + 1)
    for (const worker of workers) expect(await worker.runOnce()).toBe(false)
    await database.db
      .updateTable('turn')
      .set({ until: new Date(0) })
      .execute()
    expect(await workers[2]?.runOnce()).toBe(true)
  })
})

describe('on demand', () => {
  it('the next key of one algorithm signs at once when it has been published for long enough', async () => {
    await keysGrowOlder(database.db, PUBLISHED_BEFORE_USE + 1)
    const next = await only('EdDSA', 'next')
    await rotateSigningKeys(deps, system, 'EdDSA')
    expect(await only('EdDSA', 'current')).toBe(next)
    expect(await kids('EdDSA', 'next')).toHaveLength(1)
    expect(await kids('ES256', 'previous')).toEqual([])
  })

  it('else it signs as soon as it has been, asked for once or twice', async () => {
    const next = await only('ES256', 'next')
    await rotateSigningKeys(deps, system, 'ES256')
    await rotateSigningKeys(deps, system, undefined)
    expect(await moveSigningKeys(deps)).toBe(false)
    expect(await kids('ES256', 'previous')).toEqual([])
    await keysGrowOlder(database.db, PUBLISHED_BEFORE_USE + 1)
    await moveSigningKeys(deps)
    expect(await only('ES256', 'current')).toBe(next)
    expect(await only('RS256', 'previous')).not.toBe('')
    await keysGrowOlder(database.db, PUBLISHED_BEFORE_USE + 1)
    expect(await moveSigningKeys(deps)).toBe(false)
    expect(
      (await audited()).filter(event => event.startsWith('signing_key_rotation_requested')),
    ).toHaveLength(3)
  })
})

describe('in an emergency', () => {
  it('the current key is gone, the next one signs now, and another one is published', async () => {
    const [current, next] = [await only('ES256', 'current'), await only('ES256', 'next')]
    await endSigningKey(deps, system, current)
    expect(await only('ES256', 'current')).toBe(next)
    expect(await kids('ES256', 'previous')).toEqual([])
    expect([current, next]).not.toContain(await only('ES256', 'next'))
    expect(await audited()).toContain(`signing_key_revoked ${current}`)
  })

  it('without a next key a new one signs', async () => {
    await database.db.deleteFrom('signing_key').where('state', '=', 'next').execute()
    const current = await only('RS256', 'current')
    await endSigningKey(deps, system, current)
    expect(await only('RS256', 'current')).not.toBe(current)
    expect(await only('RS256', 'next')).not.toBe(await only('RS256', 'current'))
  })

  it('a next key is replaced, a previous one is not', async () => {
    const [current, next] = [await only('EdDSA', 'current'), await only('EdDSA', 'next')]
    await endSigningKey(deps, system, next)
    expect(await only('EdDSA', 'current')).toBe(current)
    expect(await only('EdDSA', 'next')).not.toBe(next)
    await keysGrowOlder(database.db, LIFETIME)
    await moveSigningKeys(deps)
    await endSigningKey(deps, system, current)
    expect(await kids('EdDSA', 'previous')).toEqual([])
  })

  it('a key that is not there is 404, also for all but one of many', async () => {
    await expect(endSigningKey(deps, system, 'nobodys')).rejects.toMatchObject({ status: 404 })
    const current = await only('ES256', 'current')
    const nodes = Array.from({ length: 4 }, () => ({ ...deps, db: database.another({ poolSize: 1 }) }))
    const ends = await Promise.allSettled(nodes.map(node => endSigningKey(node, system, current)))
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await only('ES256', 'current')
    await only('ES256', 'next')
  })

  it('racing with a rotation leaves one current and one next key, and never the one that ended', async () => {
    for (let round = 0; round < 3; round++) {
      await keysGrowOlder(database.db, PUBLISHED_BEFORE_USE + 1)
      const current = await only('ES256', 'current')
      const [one, other] = [database.another({ poolSize: 1 }), database.another({ poolSize: 1 })]
      await Promise.all([
        endSigningKey({ ...deps, db: one }, system, current),
        rotateSigningKeys({ ...deps, db: other }, system, 'ES256'),
      ])
      expect((await rows()).map(({ kid }) => kid)).not.toContain(current)
      expect(await only('ES256', 'current')).not.toBe('')
      expect(await only('ES256', 'next')).not.toBe('')
    }
  })
})
