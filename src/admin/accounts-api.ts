/** `/v1/accounts`: everybody who can sign in, for those who look after the server. */
import { z } from 'zod'
import { type Account, findAccount } from '../accounts/account.ts'
import { listAccounts } from '../accounts/account-list.ts'
import type { AccountDisabledBy } from '../accounts/tables.ts'
import { apiRoute } from '../credentials/api-caller.ts'
import { sourceOf } from '../http/context.ts'
import { listOf, pageKeys } from '../http/page.ts'
import { notFound } from '../http/problem.ts'
import { timeOut } from '../http/time-schema.ts'
import { type AccountChangesDeps, removeAccount, setAccountDisabled } from './account-changes.ts'

const ACCOUNT = '/v1/accounts/{id}'
const DISABLED_BY = ['administrator', 'delegate'] as const satisfies AccountDisabledBy[]

const accountObject = z
  .strictObject({
    id: z.string(),
    username: z.string(),
    name: z.string(),
    email: z.string().nullable(),
    email_verified: z.boolean(),
    admin: z.boolean(),
    disabled: z.boolean(),
    disabled_by: z
      .enum(DISABLED_BY)
      .nullable()
      .describe('administrator: only an administrator enables it again; null when it is enabled'),
    created_at: timeOut,
  })
  .meta({ id: 'Account' })

const accountsQuery = z.strictObject({
  ...pageKeys,
  username: z.string().max(200).optional().describe('How the username begins'),
})

const accountChanges = z.strictObject({
  disabled: z
    .boolean()
    .optional()
    .describe('true ends its sessions and what it has allowed; its personal tokens work again with false'),
})

const accountJson = (account: Account) => ({
  id: account.id,
  username: account.username,
  name: account.name,
  email: account.email,
  email_verified: account.emailVerified,
  admin: account.admin,
  disabled: account.disabled,
  disabled_by: account.disabledBy,
  created_at: account.createdAt.toISOString(),
})

export function accountRoutes(deps: AccountChangesDeps) {
  const { db } = deps
  return [
    apiRoute({
      method: 'get',
      path: '/v1/accounts',
      summary: 'All accounts, newest first',
      scope: 'accounts:read',
      status: 200,
      query: accountsQuery,
      response: listOf(accountObject),
      async answer({ query }) {
        const { data, nextCursor } = await listAccounts(db, query)
        return { data: data.map(accountJson), next_cursor: nextCursor }
      },
    }),
    apiRoute({
      method: 'get',
      path: ACCOUNT,
      summary: 'One account',
      scope: 'accounts:read',
      status: 200,
      response: accountObject,
      async answer({ param }) {
        const account = await findAccount(db, param('id'))
        if (!account) throw notFound()
        return accountJson(account)
      },
    }),
    apiRoute({
      method: 'patch',
      path: ACCOUNT,
      summary: 'Shut an account, or open it again',
      scope: 'accounts:write',
      status: 200,
      body: accountChanges,
      response: accountObject,
      revokes: made => (made.disabled ? 1 : undefined),
      async answer({ caller, ctx, param, body: { disabled } }) {
        if (disabled === undefined) {
          const account = await findAccount(db, param('id'))
          if (!account) throw notFound()
          return accountJson(account)
        }
        const actor = { identity: caller, source: sourceOf(ctx) }
        return accountJson(await setAccountDisabled(deps, actor, param('id'), disabled))
      },
    }),
    apiRoute({
      method: 'delete',
      path: ACCOUNT,
      summary: 'Delete an account: all it holds ends, and the person is forgotten',
      scope: 'accounts:write',
      status: 204,
      revokes: true,
      async answer({ caller, ctx, param }) {
        await removeAccount(deps, { identity: caller, source: sourceOf(ctx) }, param('id'))
      },
    }),
  ]
}
