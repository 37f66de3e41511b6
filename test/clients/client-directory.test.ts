import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createClientDirectory } from '../../src/clients/client-directory.ts'
import { createClientSecret, verifyClientSecret } from '../../src/clients/client-secret.ts'
import { describeClient } from '../../src/clients/describe-client.ts'
import { type DescribedClient, upsertClient } from '../../src/clients/upsert-client.ts'
import { createChangeLog } from '../../src/db/change-log.ts'
import { transaction } from '../../src/db/transaction.ts'
import { createLog } from '../../src/log.ts'
import { createResourceDirectory } from '../../src/resources/resource-directory.ts'
import { upsertResource } from '../../src/resources/upsert-resource.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'

const OLD = Buffer.alloc(32, 1)
const NEW = Buffer.alloc(32, 2)
const keyring = createKeyring([OLD])
const API = 'https://api.example.com'
const SECRET = 'a-secret-of-the-file-0123456789-abcdef'

const described: DescribedClient = {
  ...describeClient({
    client_id: 'web',
    client_name: 'Web',
    application_type: 'web',
    redirect_uris: ['https://app.example.com/cb'],
    post_logout_redirect_uris: [],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'client_secret_basic',
    require_pkce: true,
    require_consent: true,
    id_token_signed_response_alg: 'ES256',
    introspect: [],
    client_uri: 'https://app.example.com',
    resource_scopes: { [API]: ['read', 'write'] },
  }),
  secret: SECRET,
}

describe('clients and resources', () => {
  let database: MigratedDatabase
  beforeAll(async () => {
    database = await migratedDatabase()
    await transaction(database.db, tx =>
      upsertResource(tx, {
        identifier: API,
        name: 'API',
        organizationId: null,
        tokenFormat: 'jwt',
        tokenSigningAlg: 'ES256',
        accessTokenLifetime: 900,
        env: null,
        layers: [],
        allowedAddresses: null,
        scopes: new Map([
          ['read', { description: 'Read', restricted: false }],
          ['write', { description: 'Write', restricted: true }],
        ]),
      }),
    )
  })
  afterAll(() => database.close())

  const upsert = (changes: Partial<DescribedClient> = {}, ring = keyring) =>
    transaction(database.db, tx => upsertClient(tx, ring, { ...described, ...changes }))

  async function node() {
    const db = database.another()
    const changeLog = createChangeLog({ db, log: createLog('silent') })
    const clients = createClientDirectory({ db, changeLog })
    const resources = createResourceDirectory({ db, changeLog })
    await changeLog.start()
    return { changeLog, clients, resources }
  }

  it('reads a client with its ceiling and secrets; changes reach another node', async () => {
    expect(await upsert()).toBe(true)
    const { changeLog, clients, resources } = await node()
    try {
      const client = await clients.find('web')
      expect(client).toMatchObject({ clientName: 'Web', disabled: false, metadata: described.metadata })
      expect(client?.ceiling).toEqual(described.ceiling)
      expect(client?.secrets).toHaveLength(1)
      expect(await clients.find('web')).toBe(client)
      expect(await clients.find('nobody')).toBeUndefined()
      expect(await clients.find('a\0b')).toBeUndefined()

      await upsert({ clientName: 'Renamed', ceiling: new Map([[API, new Set(['read'])]]) })
      await changeLog.catchUp()
      const renamed = await clients.find('web')
      expect(renamed?.clientName).toBe('Renamed')
      expect(renamed?.ceiling).toEqual(new Map([[API, new Set(['read'])]]))

      expect((await resources.find(API))?.scopes.get('write')).toEqual({
        description: 'Write',
        restricted: true,
      })
      expect((await resources.list()).map(({ identifier }) => identifier)).toEqual([API])
    } finally {
      await changeLog.stop()
    }
  })

  it('asks the database when the change log is not followed', async () => {
    await upsert({ clientName: 'Before' })
    const { changeLog, clients } = await node()
    await clients.find('web')
    await changeLog.stop()
    await upsert({ clientName: 'After' })
    expect((await clients.find('web'))?.clientName).toBe('After')
  })

  it('writes nothing when nothing differs', async () => {
    await upsert()
    expect(await upsert()).toBe(false)
    expect(await upsert({ secret: undefined })).toBe(false)
  })

  it('keeps generated secrets when the file has another one, and ends the file’s own', async () => {
    await upsert({ clientId: 'many' })
    const generated = await transaction(database.db, tx =>
      createClientSecret(tx, keyring, { clientId: 'many', expiresAt: new Date(Date.now() + 60_000) }),
    )
    const other = `${SECRET}-2`
    expect(await upsert({ clientId: 'many', secret: other })).toBe(true)
    const { clients, changeLog } = await node()
    const client = await clients.find('many')
    await changeLog.stop()
    if (!client) throw new Error('no client')
    const now = new Date()
    expect(verifyClientSecret(keyring, client, other, now)).toBe(true)
    expect(verifyClientSecret(keyring, client, generated.secret, now)).toBe(true)
    expect(verifyClientSecret(keyring, client, generated.secret, new Date(Date.now() + 120_000))).toBe(false)
    expect(verifyClientSecret(keyring, client, SECRET, now)).toBe(false)
    for (const wrong of ['', 'x', `${other} `, other.toUpperCase(), '\0'])
      expect(verifyClientSecret(keyring, client, wrong, now)).toBe(false)
    expect(verifyClientSecret(keyring, { secrets: [] }, other, now)).toBe(false)
    expect(generated.secret.length).toBeGreaterThanOrEqual(43)
    expect(generated.last4).toBe(generated.secret.slice(-4))
  })

  it('accepts secrets under an older pepper, and not under one that is gone', async () => {
    await upsert({ clientId: 'peppered' })
    const { clients, changeLog } = await node()
    const client = await clients.find('peppered')
    await changeLog.stop()
    if (!client) throw new Error('no client')
    expect(verifyClientSecret(createKeyring([NEW, OLD]), client, SECRET, new Date())).toBe(true)
    expect(verifyClientSecret(createKeyring([NEW]), client, SECRET, new Date())).toBe(false)
    // The same secret again is not another one.
    expect(await upsert({ clientId: 'peppered' }, createKeyring([NEW, OLD]))).toBe(false)
    expect(await upsert({ clientId: 'peppered' }, createKeyring([NEW]))).toBe(true)
  })

  it('refuses a short secret', async () => {
    await expect(upsert({ clientId: 'short', secret: 'x'.repeat(31) })).rejects.toThrow(/32/)
  })

  it('holds no secret in clear', async () => {
    await upsert()
    const rows = await database.db.selectFrom('client_secret').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(SECRET)
  })
})
