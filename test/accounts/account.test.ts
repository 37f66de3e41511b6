import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  createAccount,
  findAccount,
  findAccountByUsername,
  type NewAccount,
  updateAccount,
} from '../../src/accounts/account.ts'
import {
  emailMistake,
  nameMistake,
  normalizeUsername,
  usernameMistake,
} from '../../src/accounts/account-fields.ts'
import { setMembers, upsertOrganization } from '../../src/accounts/organization.ts'
import { listAccountRoles, setAccountRoles, upsertRole } from '../../src/accounts/role.ts'
import type { Tx } from '../../src/db/connect.ts'
import { transaction } from '../../src/db/transaction.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'

let database: MigratedDatabase
beforeAll(async () => {
  database = await migratedDatabase({ poolSize: 1 })
})
afterAll(() => database.close())

const create = (account: Partial<NewAccount> & { username: string }) =>
  transaction(database.db, tx => createAccount(tx, { name: 'Somebody', ...account }))

/** What the change log got from `work`. */
async function changes<T>(work: (tx: Tx) => Promise<T>): Promise<{ result: T; logged: unknown[] }> {
  await database.db.deleteFrom('change_log').execute()
  const result = await transaction(database.db, work)
  const rows = await database.db.selectFrom('change_log').select(['type', 'payload']).orderBy('id').execute()
  return { result, logged: rows.map(({ type, payload }) => [type, payload]) }
}

describe('an account', () => {
  it('is found by id and by any spelling of its username', async () => {
    const account = await create({ username: 'Ada', email: ' Ada@Example.COM ', admin: true })
    expect(account).toMatchObject({ username: 'ada', email: 'Ada@example.com', admin: true, disabled: false })
    expect(await findAccount(database.db, account.id)).toEqual(account)
    expect(await findAccountByUsername(database.db, ' ＡＤＡ')).toEqual(account)
  })

  it('is not found by what no account can have', async () => {
    for (const id of ['', 'x', "'", '\0', '\ud800', '00000000-0000-0000-0000-000000000000'])
      expect(await findAccount(database.db, id)).toBeUndefined()
    for (const username of ['', '\0', '\ud800', 'nobody'])
      expect(await findAccountByUsername(database.db, username)).toBeUndefined()
  })

  it('cannot take a username that another one has, and leaves the transaction usable', async () => {
    await create({ username: 'taken' })
    const id = await transaction(database.db, async tx => {
      await expect(createAccount(tx, { username: 'TAKEN', name: 'Other' })).rejects.toMatchObject({
        status: 409,
        code: 'conflict',
        errors: [{ path: 'username' }],
      })
      return (await createAccount(tx, { username: 'free', name: 'Other' })).id
    })
    expect(await findAccount(database.db, id)).toMatchObject({ username: 'free' })
  })

  it('tells everyone when it changed, and only then', async () => {
    const { id } = await create({ username: 'changing', email: 'c@example.com' })
    const row = ['account', { id }]
    const update = (wanted: Parameters<typeof updateAccount>[2]) =>
      changes(tx => updateAccount(tx, id, wanted))
    expect(await update({})).toEqual({ result: false, logged: [] })
    expect(await update({ name: 'Somebody', email: 'c@example.com', admin: false, disabled: false })).toEqual(
      {
        result: false,
        logged: [],
      },
    )
    expect(await update({ name: ' New ', admin: true })).toEqual({ result: true, logged: [row] })
    expect(await update({ email: null, emailVerified: true })).toEqual({ result: true, logged: [row] })
    expect(await update({ disabled: true })).toEqual({ result: true, logged: [row] })
    expect(await update({ disabled: true })).toEqual({ result: false, logged: [] })
    expect(await findAccount(database.db, id)).toMatchObject({
      name: 'New',
      email: null,
      emailVerified: true,
      admin: true,
      disabled: true,
    })
    expect(await update({ disabled: false })).toEqual({ result: true, logged: [row] })
    expect(await findAccount(database.db, id)).toMatchObject({ disabled: false })
  })
})

describe('organizations and roles', () => {
  it('have exactly the members that were set', async () => {
    const [ada, bob] = [await create({ username: 'org-ada' }), await create({ username: 'org-bob' })]
    expect(await transaction(database.db, tx => upsertOrganization(tx, { id: 'acme', name: 'Acme' }))).toBe(
      true,
    )
    expect(await transaction(database.db, tx => upsertOrganization(tx, { id: 'acme', name: 'Acme' }))).toBe(
      false,
    )
    const set = (...members: Parameters<typeof setMembers>[2]) =>
      changes(tx => setMembers(tx, 'acme', members))
    const owner = { accountId: ada.id, role: 'owner' } as const
    expect((await set(owner, { accountId: bob.id, role: 'viewer' })).logged).toHaveLength(2)
    expect(await set(owner, { accountId: bob.id, role: 'viewer' })).toEqual({ result: false, logged: [] })
    expect((await set(owner, { accountId: bob.id, role: 'developer' })).logged).toEqual([
      ['account', { id: bob.id }],
    ])
    expect((await set(owner)).logged).toEqual([['account', { id: bob.id }]])
    const rows = await database.db.selectFrom('organization_member').select(['account_id', 'role']).execute()
    expect(rows).toEqual([{ account_id: ada.id, role: 'owner' }])
  })

  it('give an account exactly the roles that were set', async () => {
    const { id } = await create({ username: 'role-ada' })
    await database.db.insertInto('resource').values({ identifier: 'https://api', name: 'API' }).execute()
    for (const name of ['read', 'write'])
      await database.db
        .insertInto('resource_scope')
        .values({ resource: 'https://api', name, description: '' })
        .execute()
    const role = (name: string, ...scopes: string[]) =>
      changes(tx => upsertRole(tx, { name, scopes: { 'https://api': scopes } }))
    expect((await role('clerk', 'read', 'write')).logged).toEqual([['role', { name: 'clerk' }]])
    expect(await role('clerk', 'write', 'read')).toEqual({ result: false, logged: [] })
    expect((await role('clerk', 'read')).logged).toEqual([['role', { name: 'clerk' }]])
    await role('empty')
    const set = (...roles: string[]) => changes(tx => setAccountRoles(tx, id, roles))
    expect(await set('empty', 'clerk')).toEqual({ result: true, logged: [['account', { id }]] })
    expect(await set('clerk', 'empty')).toEqual({ result: false, logged: [] })
    expect((await set('clerk')).result).toBe(true)
    expect(await listAccountRoles(database.db, id)).toEqual(['clerk'])
    expect((await set()).result).toBe(true)
    expect(await listAccountRoles(database.db, id)).toEqual([])
  })
})

describe('what a field may hold', () => {
  it.each(['a', 'ada', 'ada.lovelace', 'ada_1-2', '7of9', 'žluťoučký', '小林', 'हिन्दी', 'x'.repeat(64)])(
    'username %s',
    text => expect(usernameMistake(normalizeUsername(text))).toBeUndefined(),
  )
  it.each([
    '',
    ' ',
    'a b',
    'a@b',
    '.a',
    '-a',
    'a\0',
    'a\nb',
    'a\u200db',
    'a\u202eb',
    '\ud800',
    'a/b',
    '<b>',
    'x'.repeat(65),
  ])('no username: %j', text => expect(usernameMistake(normalizeUsername(text))).toBeDefined())
  it('a username is the same however it is written', () => {
    for (const text of ['ADA', ' ada ', 'ａｄａ', 'Ada']) expect(normalizeUsername(text)).toBe('ada')
    for (const text of ['İ', 'ﬁ', 'Å', 'ẞ']) {
      const once = normalizeUsername(text)
      expect(normalizeUsername(once)).toBe(once)
    }
  })
  it.each([
    'Ada Lovelace',
    "O'Neil",
    '小林',
    'x'.repeat(200),
    'Zoë 🌳',
    '👩‍🚀',
    '❤️',
    'می‌خواهم',
    'न्‍',
    '葛󠄀',
    '7',
    '⠓⠊',
  ])('name %s', text => expect(nameMistake(text)).toBeUndefined())
  it.each([
    ...['', 'x'.repeat(201), 'a\0', 'a\nb', 'a\u202eb', '\udc00'],
    ...['\u061ca', 'a\u200bb', 'a\u00ad', '\u2060a', '\u3164', '\u115f', '\uffa0', 'a\u{180e}'],
    ...['\u200d', '\u2800', '\ufe0f', '\u00a0', '\u0301', '\u{e0041}'],
  ])('no name: %j', text => expect(nameMistake(text)).toBeDefined())
  it.each([
    'a@b',
    'ada.l+x@example.com',
    "o'neil@example.co.uk",
    'přítel@háček.example',
    'a@xn--hxajbheg2az3al.xn--jxalpdlp',
  ])('address %s', text => expect(emailMistake(text)).toBeUndefined())
  it.each([
    '',
    'ada',
    '@b',
    'a@',
    'a@b@c',
    'a b@c',
    'a@b c',
    'a@-b.c',
    'a@b-.c',
    'a@b..c',
    'a@.b',
    'a\0@b.c',
    'a@b\n.c',
    '\ud800@b.c',
    'a@[127.0.0.1]',
    `${'a'.repeat(65)}@b.c`,
    `a@${'b'.repeat(64)}.c`,
    `a@${'bcd.'.repeat(70)}example`,
  ])('no address: %j', text => expect(emailMistake(text)).toBeDefined())
})
