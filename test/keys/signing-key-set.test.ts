// What a node believes of the signing keys, with and without the change log.
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { createAudit } from '../../src/audit/audit.ts'
import { type ChangeLog, createChangeLog } from '../../src/db/change-log.ts'
import { endSigningKey } from '../../src/keys/rotate-signing-keys.ts'
import { createSigningKeySet, type SigningKeySet } from '../../src/keys/signing-key-set.ts'
import { ensureSigningKeys, listSigningKeys } from '../../src/keys/signing-keys.ts'
import { createLog } from '../../src/log.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'

const keyring = createKeyring([Buffer.alloc(32, 1)])
const log = createLog('silent')

let database: MigratedDatabase
let changeLog: ChangeLog
let keys: SigningKeySet
beforeEach(async () => {
  database = await migratedDatabase()
  changeLog = createChangeLog({ db: database.db, log, pollMs: 3_600_000 })
  await ensureSigningKeys(database.db, keyring)
  keys = createSigningKeySet({ db: database.db, keyring, changeLog, log })
})
afterEach(async () => {
  keys.close()
  await changeLog.stop()
  await database.close()
})

const firstKid = async () => (await keys.now()).keys[0]?.kid ?? ''

/** As another node does it. */
async function endFirst(): Promise<string> {
  const { db } = database
  const [key] = await listSigningKeys(db, keyring)
  const kid = key?.kid ?? ''
  const deps = {
    db,
    keyring,
    audit: createAudit({ db, log }),
    config: { signingKeyLifetime: undefined },
    longestTokenLifetime: 0,
    longestSession: 90 * 86_400,
  }
  await endSigningKey(deps, { actor: { type: 'system' } }, kid)
  return kid
}

it('the set is the same object as long as nothing changes, and is had without waiting', async () => {
  await changeLog.start()
  const set = await keys.now()
  expect(keys.now()).toBe(set)
  expect(set.publicKeys.keys).toHaveLength(6)
  expect(JSON.stringify(set.publicKeys)).not.toContain('"d"')
})

it('from the moment of the news on, nobody is given the old set', async () => {
  await changeLog.start()
  await keys.now()
  const ended = await endFirst()
  expect(await firstKid()).toBe(ended)
  const asked: Promise<string>[] = []
  const unsubscribe = changeLog.subscribe('signing-key', () => asked.push(firstKid()))
  await changeLog.catchUp()
  unsubscribe()
  expect(asked.length).toBeGreaterThan(0)
  expect(await Promise.all(asked)).not.toContain(ended)
  expect(await firstKid()).not.toBe(ended)
})

it('a node that does not hear the news asks the database each time', async () => {
  await keys.now()
  const ended = await endFirst()
  expect(await firstKid()).not.toBe(ended)
  const same = await keys.now()
  expect(await keys.now()).toBe(same)
})

it('without news and without a database there is no answer', async () => {
  await keys.now()
  const away = database.another({ poolSize: 1 })
  const cut = createSigningKeySet({ db: away, keyring, changeLog, log })
  await cut.now()
  await away.destroy()
  await expect(Promise.resolve(cut.now())).rejects.toThrow()
  cut.close()
})
