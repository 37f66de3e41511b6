// Our own API as a resource: made at the start, following ISSUER, opened by organization roles.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createAccount, updateAccount } from '../../src/accounts/account.ts'
import { setMembers, upsertOrganization } from '../../src/accounts/organization.ts'
import { upsertRole } from '../../src/accounts/role.ts'
import { transaction } from '../../src/db/transaction.ts'
import { ensureOwnResource, OWN_SCOPES, ownResourceOf } from '../../src/resources/own-resource.ts'
import { accountScopes, clientScopes } from '../../src/resources/permission.ts'
import { findResource, listResources, type Resource } from '../../src/resources/resource.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'

let database: MigratedDatabase
beforeAll(async () => {
  database = await migratedDatabase()
})
afterAll(() => database.close())

const ISSUER = 'https://id.example.com'
const MOVED = 'https://moved.example.com'

async function own(issuer = ISSUER): Promise<Resource> {
  const resource = await findResource(database.db, ownResourceOf(issuer))
  if (!resource) throw new Error('it is not there')
  return resource
}

describe('our own API', () => {
  it('is made once, however many nodes start', async () => {
    const pools = [database.db, database.another(), database.another()]
    await Promise.all(pools.map(db => ensureOwnResource(db, ISSUER)))
    expect(await own()).toMatchObject({ builtIn: true, name: 'Latchkey API', organizationId: null })
    expect([...(await own()).scopes.keys()].sort()).toEqual(Object.keys(OWN_SCOPES).sort())
    const { rows } = await database.db.executeQuery<{ count: string }>(
      database.db
        .selectFrom('change_log')
        .select(({ fn }) => fn.countAll().as('count'))
        .compile(),
    )
    await ensureOwnResource(database.db, ISSUER)
    expect(
      await database.db
        .selectFrom('change_log')
        .select(({ fn }) => fn.countAll().as('count'))
        .executeTakeFirst(),
    ).toEqual(rows[0])
  })

  it('opens to a person what roles in organizations give, and everything to administrators', async () => {
    const { db } = database
    const id = await transaction(db, async tx => {
      await upsertOrganization(tx, { id: 'acme', name: 'Acme' })
      return (await createAccount(tx, { username: 'ada', name: 'Ada' })).id
    })
    const scopes = async () => [...(await accountScopes(db, id, await own()))].sort()
    const viewer = ['clients:read', 'keys:read', 'organizations:read', 'resources:read', 'tokens:read']
    const developer = [...viewer, 'clients:write', 'keys:write', 'resources:write']
    const all = (names: string[]) => [...names, 'tokens:write', 'usage:read'].sort()
    expect(await scopes()).toEqual(['tokens:read', 'tokens:write'])
    for (const [role, names] of [
      ['viewer', viewer],
      ['developer', developer],
      ['owner', [...developer, 'organizations:write', 'revoke']],
    ] as const) {
      await transaction(db, tx => setMembers(tx, 'acme', [{ accountId: id, role }]))
      expect(await scopes()).toEqual(all([...names]))
    }
    await transaction(db, tx => updateAccount(tx, id, { admin: true }))
    expect(await scopes()).toEqual(Object.keys(OWN_SCOPES).sort())
    const elsewhere = { ...(await own()), builtIn: false, identifier: 'https://api.example.com' }
    expect([...(await accountScopes(db, id, elsewhere))].sort()).toEqual(['tokens:read', 'tokens:write'])
  })

  it('lets whoever is the server of some resource verify', async () => {
    const server = { disabled: false, ceiling: new Map(), introspect: ['https://api.example.com'] }
    const resource = await own()
    expect(clientScopes(server, resource)).toEqual(new Set(['verify']))
    expect(clientScopes({ ...server, introspect: [] }, resource)).toEqual(new Set())
    expect(clientScopes({ ...server, disabled: true }, resource)).toEqual(new Set())
    expect(clientScopes(server, { ...resource, builtIn: false })).toEqual(new Set())
  })

  it('takes everything along when ISSUER changes, and comes back', async () => {
    const { db } = database
    const from = ownResourceOf(ISSUER)
    const to = ownResourceOf(MOVED)
    await transaction(db, tx => upsertRole(tx, { name: 'auditor', scopes: { [from]: ['audit:read'] } }))
    await db
      .insertInto('client')
      .values({
        ...{
          client_id: 'tool',
          client_name: 'Tool',
          grant_types: ['client_credentials'],
          introspect: [from],
        },
        ...{ token_endpoint_auth_method: 'client_secret_basic', metadata: '{}' },
      })
      .execute()
    await db
      .insertInto('client_scope')
      .values({ client_id: 'tool', resource: from, scope: 'verify' })
      .execute()
    const followed: string[][] = []
    const follow = [async (_tx: unknown, ...names: string[]) => void followed.push(names)]
    await Promise.all([database.db, database.another()].map(one => ensureOwnResource(one, MOVED, follow)))
    expect(followed).toEqual([[from, to]])
    expect((await listResources(db)).map(({ identifier }) => identifier)).toEqual([to])
    const role = await db.selectFrom('role_scope').selectAll().executeTakeFirst()
    const ceiling = await db.selectFrom('client_scope').selectAll().executeTakeFirst()
    const client = await db.selectFrom('client').select('introspect').executeTakeFirst()
    expect([role?.resource, ceiling?.resource, client?.introspect]).toEqual([to, to, [to]])
    await ensureOwnResource(db, ISSUER)
    expect((await listResources(db)).map(({ identifier }) => identifier)).toEqual([from])
  })
})
