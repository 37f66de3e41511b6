import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { hash } from 'argon2'
import { findAccountByUsername } from '../../src/accounts/account.ts'
import { findStoredPassword } from '../../src/accounts/account-password.ts'
import { listAccountRoles } from '../../src/accounts/role.ts'
import { applyFile } from '../../src/admin/apply.ts'
import { parseDeclarativeFile, readDeclarativeFile } from '../../src/admin/declarative-file.ts'
import { createAudit } from '../../src/audit/audit.ts'
import { findClient } from '../../src/clients/client.ts'
import { verifyClientSecret } from '../../src/clients/client-secret.ts'
import type { Db } from '../../src/db/connect.ts'
import { createLog } from '../../src/log.ts'
import { findResource } from '../../src/resources/resource.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { verifyPassword } from '../../src/sign-in/password.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'

const EXAMPLE = new URL('../../examples/latchkey.yaml', import.meta.url)
const API = 'https://api.example.com'
const keyring = createKeyring([Buffer.alloc(32, 1)])
const log = createLog('silent')

const directory = mkdtempSync(join(tmpdir(), 'latchkey-apply-'))
afterAll(() => rmSync(directory, { recursive: true }))

describe('applying the declarative file', () => {
  let database: MigratedDatabase
  beforeEach(async () => {
    database = await migratedDatabase()
  })
  afterEach(() => database.close())

  const depsOf = (db: Db) => ({ db, keyring, audit: createAudit({ db, log }), log })
  const apply = async (content: unknown) => {
    const path = join(directory, 'latchkey.json')
    writeFileSync(path, JSON.stringify(content))
    return await applyFile(depsOf(database.db), await readDeclarativeFile(database.db, path))
  }
  const example = () => parseDeclarativeFile(readFileSync(EXAMPLE, 'utf8'))
  const count = async (table: 'change_log' | 'audit_event' | 'client_secret') =>
    (await database.db.selectFrom(table).selectAll().execute()).length

  it('writes the example', async () => {
    const { db } = database
    const summary = await applyFile(depsOf(db), example())
    expect(summary).toEqual({
      changed: {
        organizations: ['acme'],
        resources: [API],
        roles: ['orders-admin'],
        accounts: ['ada'],
        clients: ['orders-web', 'billing', 'reports', 'orders-tv'],
        initialAccessTokens: [],
      },
      kept: [],
    })
    const resource = await findResource(db, API)
    expect(resource).toMatchObject({ organizationId: 'acme', env: 'live', accessTokenLifetime: 900 })
    expect(resource?.scopes.get('admin:orders')).toEqual({
      description: "Change anyone's orders",
      restricted: true,
    })
    const ada = await findAccountByUsername(db, 'ada')
    expect(ada).toMatchObject({
      name: 'Ada Lovelace',
      email: 'ada@example.com',
      emailVerified: true,
      admin: false,
    })
    expect(await listAccountRoles(db, ada?.id ?? '')).toEqual(['orders-admin'])
    const stored = await findStoredPassword(db, 'ada')
    expect(await verifyPassword(stored?.passwordHash ?? undefined, 'correct horse battery staple')).toBe(true)
    const billing = await findClient(db, 'billing')
    expect(billing).toMatchObject({ grantTypes: ['client_credentials'], introspect: [API], redirectUris: [] })
    if (!billing) throw new Error('no client')
    expect(verifyClientSecret(keyring, billing, 'another-long-secret-for-tests-0123456789', new Date())).toBe(
      true,
    )
    const events = await db.selectFrom('audit_event').select(['type', 'subject_id']).orderBy('id').execute()
    expect(events.map(({ type }) => type).sort()).toEqual(
      [
        'account_applied',
        'client_applied',
        'client_applied',
        'client_applied',
        'client_applied',
        'organization_applied',
        'resource_applied',
        'role_applied',
      ].sort(),
    )
  })

  it('changes nothing the second time', async () => {
    await applyFile(depsOf(database.db), example())
    const before = [await count('change_log'), await count('audit_event'), await count('client_secret')]
    const { changed } = await applyFile(depsOf(database.db), example())
    expect(Object.values(changed).flat()).toEqual([])
    expect([await count('change_log'), await count('audit_event'), await count('client_secret')]).toEqual(
      before,
    )
  })

  it('replaces lists, keeps scopes, never deletes, and logs each touched object', async () => {
    await applyFile(depsOf(database.db), example())
    await database.db.deleteFrom('change_log').execute()
    const summary = await apply({
      resources: [{ identifier: API, name: 'Orders', scopes: { 'read:orders': { description: 'See' } } }],
      roles: [{ name: 'orders-admin', scopes: {} }],
      clients: [
        {
          client_id: 'billing',
          client_secret: 'another-long-secret-for-tests-0123456789',
          grant_types: ['client_credentials'],
        },
      ],
    })
    expect(summary).toEqual({
      changed: {
        organizations: [],
        resources: [API],
        roles: ['orders-admin'],
        accounts: [],
        clients: ['billing'],
        initialAccessTokens: [],
      },
      kept: [{ resource: API, scopes: ['admin:orders', 'write:orders'] }],
    })
    expect((await findResource(database.db, API))?.scopes.size).toBe(3)
    const billing = await findClient(database.db, 'billing')
    expect(billing?.ceiling).toEqual(new Map())
    expect(billing?.introspect).toEqual([])
    expect((await findClient(database.db, 'orders-web'))?.ceiling.get(API)?.size).toBe(2)
    const changes = await database.db
      .selectFrom('change_log')
      .select(['type', 'payload'])
      .orderBy('id')
      .execute()
    expect(changes).toEqual([
      { type: 'resource', payload: { identifier: API } },
      { type: 'role', payload: { name: 'orders-admin' } },
      { type: 'client', payload: { client_id: 'billing' } },
    ])
  })

  it('leaves what an account’s file entry does not say as it is', async () => {
    await applyFile(depsOf(database.db), example())
    await apply({ accounts: [{ username: 'Ada', admin: true }] })
    const ada = await findAccountByUsername(database.db, 'ada')
    expect(ada).toMatchObject({
      name: 'Ada Lovelace',
      email: 'ada@example.com',
      emailVerified: true,
      admin: true,
    })
    expect(await listAccountRoles(database.db, ada?.id ?? '')).toEqual(['orders-admin'])
  })

  it('uses a password at creation, later only when told to', async () => {
    const passwordFits = async (password: string) =>
      verifyPassword((await findStoredPassword(database.db, 'bob'))?.passwordHash ?? undefined, password)
    const [first, second, third] = ['first long password', 'second long password', 'third long password']
    await apply({ accounts: [{ username: 'bob', password: first }] })
    expect(
      Object.values((await apply({ accounts: [{ username: 'bob', password: second }] })).changed).flat(),
    ).toEqual([])
    expect(await passwordFits(first)).toBe(true)

    const reset = { accounts: [{ username: 'bob', password: second, reset_password: true }] }
    expect((await apply(reset)).changed.accounts).toEqual(['bob'])
    expect(await passwordFits(second)).toBe(true)
    expect((await apply(reset)).changed.accounts).toEqual([])

    const given = await hash(third, { memoryCost: 8192 })
    const resetHash = { accounts: [{ username: 'bob', password_hash: given, reset_password: true }] }
    expect((await apply(resetHash)).changed.accounts).toEqual(['bob'])
    expect(await passwordFits(third)).toBe(true)
    expect((await apply(resetHash)).changed.accounts).toEqual([])
  })

  it('writes all of it or nothing', async () => {
    const file = example()
    const [web] = file.clients
    if (!web) throw new Error('no client')
    const broken = { ...file, clients: [{ ...web, organization: 'gone-since' }] }
    await expect(applyFile(depsOf(database.db), broken)).rejects.toThrow()
    for (const table of [
      'account',
      'organization',
      'resource',
      'client',
      'role',
      'change_log',
      'audit_event',
    ] as const)
      expect(await database.db.selectFrom(table).selectAll().execute()).toEqual([])
  })

  it('may be applied by many nodes at once', async () => {
    const nodes = Array.from({ length: 6 }, () => database.another({ poolSize: 1 }))
    const summaries = await Promise.all(nodes.map(db => applyFile(depsOf(db), example())))
    expect(summaries.flatMap(({ changed }) => changed.accounts)).toEqual(['ada'])
    expect(summaries.flatMap(({ changed }) => changed.clients).sort()).toEqual([
      'billing',
      'orders-tv',
      'orders-web',
      'reports',
    ])
    expect(await count('client_secret')).toBe(2)
  })

  it('finds what the file refers to in the database', async () => {
    await applyFile(depsOf(database.db), example())
    await apply({
      organizations: [{ id: 'beta', name: 'Beta', members: [{ account: 'ADA', role: 'viewer' }] }],
      accounts: [{ username: 'eve', roles: ['orders-admin'] }],
      clients: [
        {
          client_id: 'late',
          client_secret: 'late-secret-for-tests-only-0123456789',
          organization: 'acme',
          grant_types: ['client_credentials'],
          resource_scopes: { [API]: ['read:orders'] },
          introspect: [API],
        },
      ],
    })
    const members = await database.db
      .selectFrom('organization_member')
      .select(['organization_id', 'role'])
      .execute()
    expect(members).toContainEqual({ organization_id: 'beta', role: 'viewer' })
    await expect(apply({ accounts: [{ username: 'eve', roles: ['nothing\0'] }] })).rejects.toThrow(/U\+0000/)
    await expect(apply({ accounts: [{ username: 'eve', roles: ['nothing'] }] })).rejects.toThrow(
      /accounts\[0\]\.roles\[0\]: names the role "nothing"/,
    )
  })

  it('takes a large file within the limit of a transaction', async () => {
    const size = 100
    const clients = Array.from({ length: size }, (_, index) => ({
      client_id: `client-${index}`,
      client_secret: `secret-for-tests-only-0123456789-${index}`,
      grant_types: ['client_credentials'],
      resource_scopes: { [API]: ['read'] },
    }))
    const resources = [{ identifier: API, name: 'API', scopes: { read: { description: 'Read' } } }]
    expect((await apply({ resources, clients })).changed.clients).toHaveLength(size)
    expect((await apply({ resources, clients })).changed.clients).toEqual([])
  })

  it('says why a file cannot be read', async () => {
    const { db } = database
    const write = (content: string | Buffer) => {
      const path = join(directory, 'latchkey.yaml')
      writeFileSync(path, content)
      return path
    }
    await expect(readDeclarativeFile(db, join(directory, 'none.yaml'))).rejects.toThrow(
      /none\.yaml.*\n.*ENOENT/,
    )
    await expect(readDeclarativeFile(db, directory)).rejects.toThrow(/EISDIR/)
    await expect(readDeclarativeFile(db, write('#'.repeat(1024 * 1024 + 1)))).rejects.toThrow(
      /larger than 1 MiB/,
    )
    await expect(readDeclarativeFile(db, write(Buffer.from([0xff, 0xfe, 0x00])))).rejects.toThrow(/UTF-8/)
    expect((await readDeclarativeFile(db, write('# nothing yet\n'))).clients).toEqual([])
  })
})
