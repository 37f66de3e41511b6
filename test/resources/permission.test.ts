import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createAccount, updateAccount } from '../../src/accounts/account.ts'
import { setAccountRoles, upsertRole } from '../../src/accounts/role.ts'
import { transaction } from '../../src/db/transaction.ts'
import {
  accountScopes,
  clientScopes,
  clientScopesForPeople,
  effectiveScopes,
  scopesOfAccount,
} from '../../src/resources/permission.ts'
import type { Resource } from '../../src/resources/resource.ts'
import { upsertResource } from '../../src/resources/upsert-resource.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'

const api: Resource = {
  identifier: 'https://api.example.com',
  name: 'Orders',
  organizationId: null,
  tokenFormat: 'jwt',
  tokenSigningAlg: 'ES256',
  accessTokenLifetime: 900,
  env: null,
  layers: [],
  allowedAddresses: null,
  builtIn: false,
  scopes: new Map([
    ['read', { description: 'Read', restricted: false }],
    ['write', { description: 'Write', restricted: false }],
    ['admin', { description: 'Anything', restricted: true }],
  ]),
}
const other: Resource = { ...api, identifier: 'https://other.example.com' }
const client = (...scopes: string[]) => ({
  disabled: false,
  introspect: [],
  registration: 'operator' as const,
  ceiling: new Map([[api.identifier, new Set(scopes)]]),
})

describe('the permission model', () => {
  it('gives a client its ceiling, restricted scopes too, as far as they exist', () => {
    expect(clientScopes(client('read', 'admin', 'gone'), api)).toEqual(new Set(['read', 'admin']))
    expect(clientScopes(client('read'), other)).toEqual(new Set())
    expect(clientScopes({ ...client('read'), disabled: true }, api)).toEqual(new Set())
  })

  it('lets a client that registered itself ask people for what the resource has opened, and have nothing of it alone', () => {
    const opened: Resource = {
      ...api,
      scopes: new Map([
        ...api.scopes,
        ['notes', { description: 'Read notes', restricted: false, selfRegistered: true }],
      ]),
    }
    const account = new Set(['read', 'notes'])
    const own = ['read', 'notes']
    for (const registration of ['dynamic', 'metadata_document'] as const) {
      const stranger = { ...client(), registration }
      expect(clientScopesForPeople(stranger, opened)).toEqual(new Set(['notes']))
      expect(clientScopesForPeople({ ...client('read'), registration }, opened)).toEqual(
        new Set(['read', 'notes']),
      )
      expect(clientScopesForPeople({ ...stranger, disabled: true }, opened)).toEqual(new Set())
      expect(clientScopes(stranger, opened)).toEqual(new Set())
      expect(effectiveScopes({ own, client: stranger, resource: opened, account })).toEqual(['notes'])
      expect(effectiveScopes({ own, client: stranger, resource: opened })).toEqual([])
    }
    expect(clientScopesForPeople(client(), opened)).toEqual(new Set())
  })

  it('opens unrestricted scopes to every account and restricted ones to roles', () => {
    const enabled = {
      disabled: false,
      admin: true,
      roleScopes: new Map<string, Set<string>>(),
      organizationRoles: new Set(['owner'] as const),
    }
    const roleScopes = new Map([[api.identifier, new Set(['admin', 'gone'])]])
    expect(scopesOfAccount(enabled, api)).toEqual(new Set(['read', 'write']))
    expect(scopesOfAccount({ ...enabled, roleScopes }, api)).toEqual(new Set(['read', 'write', 'admin']))
    expect(scopesOfAccount({ ...enabled, disabled: true, roleScopes }, api)).toEqual(new Set())
  })

  it('intersects what a credential has with its subject, its client and the consent', () => {
    const all = client('read', 'write', 'admin')
    const own = ['write', 'read', 'write', 'admin', 'unknown']
    expect(effectiveScopes({ own, client: all, resource: api })).toEqual(['write', 'read', 'admin'])
    const account = new Set(['read', 'write'])
    expect(effectiveScopes({ own, client: all, resource: api, account })).toEqual(['write', 'read'])
    expect(effectiveScopes({ own, client: client('read'), resource: api, account })).toEqual(['read'])
    const consented = new Set(['write'])
    expect(effectiveScopes({ own, client: all, resource: api, account, consented })).toEqual(['write'])
    expect(effectiveScopes({ own, client: all, resource: api, account: new Set() })).toEqual([])
    expect(effectiveScopes({ own, client: { ...all, disabled: true }, resource: api })).toEqual([])
  })

  it('never gives more than each part', () => {
    const scopes = fc.uniqueArray(fc.constantFrom('read', 'write', 'admin', 'unknown', 'openid'))
    fc.assert(
      fc.property(
        scopes,
        scopes,
        fc.option(scopes),
        fc.option(scopes),
        (own, ceiling, account, consented) => {
          const result = effectiveScopes({
            own,
            client: client(...ceiling),
            resource: api,
            account: account ? new Set(account) : undefined,
            consented: consented ? new Set(consented) : undefined,
          })
          for (const part of [own, ceiling, account, consented, [...api.scopes.keys()]])
            if (part) for (const scope of result) expect(part).toContain(scope)
        },
      ),
    )
  })

  describe('of an account in the database', () => {
    let database: MigratedDatabase
    let ada = ''
    beforeAll(async () => {
      database = await migratedDatabase()
      await transaction(database.db, async tx => {
        for (const resource of [api, other]) await upsertResource(tx, resource)
        await upsertRole(tx, { name: 'boss', scopes: { [api.identifier]: ['admin'] } })
        await upsertRole(tx, { name: 'boss-too', scopes: { [api.identifier]: ['admin', 'read'] } })
        ada = (await createAccount(tx, { username: 'ada', name: 'Ada' })).id
      })
    })
    afterAll(() => database.close())
    const setRoles = (...roles: string[]) => transaction(database.db, tx => setAccountRoles(tx, ada, roles))

    it('follows roles and disabling at once', async () => {
      const { db } = database
      expect(await accountScopes(db, ada, api)).toEqual(new Set(['read', 'write']))
      await setRoles('boss', 'boss-too')
      expect(await accountScopes(db, ada, api)).toEqual(new Set(['read', 'write', 'admin']))
      expect(await accountScopes(db, ada, other)).toEqual(new Set(['read', 'write']))
      await setRoles()
      expect(await accountScopes(db, ada, api)).toEqual(new Set(['read', 'write']))
      await transaction(db, tx => updateAccount(tx, ada, { disabled: true }))
      expect(await accountScopes(db, ada, api)).toEqual(new Set())
    })

    it('gives nothing to who does not exist, whatever is asked', async () => {
      const { db } = database
      for (const id of ['', 'nobody', "'; --", 'a\0b', '00000000-0000-4000-8000-000000000000'])
        expect(await accountScopes(db, id, api)).toEqual(new Set())
    })
  })
})
