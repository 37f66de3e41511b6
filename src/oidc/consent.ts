/** What an account has allowed a client, remembered beyond the session; and its withdrawal. */
import { sql } from 'kysely'
import { en } from '../../views/messages/en.ts'
import type { AllowedApplication, Applications } from '../accounts/browser-session.ts'
import type { Db, Tx } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import { type Access, OPENID_SCOPES, openidScopeLabel } from './access.ts'
import type { OidcDeps } from './deps.ts'
import { endGrants } from './grant.ts'

/** The `resource` of OpenID Connect scopes. */
const OPENID = ''

export async function findConsent(db: Db | Tx, accountId: string, clientId: string): Promise<Access> {
  const rows = await db
    .selectFrom('consent')
    .select(['resource', 'scopes'])
    .where('account_id', '=', accountId)
    .where('client_id', '=', clientId)
    .execute()
  return {
    openid: rows.find(row => row.resource === OPENID)?.scopes ?? [],
    resources: new Map(rows.filter(row => row.resource !== OPENID).map(row => [row.resource, row.scopes])),
  }
}

/** Adds to what was allowed before. */
export async function recordConsent(
  tx: Tx,
  accountId: string,
  clientId: string,
  allowed: Access,
): Promise<void> {
  for (const [resource, scopes] of [[OPENID, allowed.openid] as const, ...allowed.resources]) {
    if (scopes.length === 0) continue
    await sql`
      INSERT INTO consent (account_id, client_id, resource, scopes)
      VALUES (${accountId}, ${clientId}, ${resource}, ${[...scopes]})
      ON CONFLICT (account_id, client_id, resource) DO UPDATE SET
        scopes = ARRAY(SELECT DISTINCT unnest(consent.scopes || excluded.scopes) ORDER BY 1),
        updated_at = clock_timestamp()
    `.execute(tx)
  }
}

export function createApplications(deps: OidcDeps): Applications {
  const { db, clients, resources, audit, changeLog } = deps

  async function describe(
    resource: string,
    scopes: readonly string[],
  ): Promise<AllowedApplication['scopes'][number]> {
    if (resource === OPENID)
      return {
        resource,
        resourceName: en.standardScopes.title,
        scopes: OPENID_SCOPES.filter(name => scopes.includes(name)).map(name => ({
          name,
          description: openidScopeLabel(name),
        })),
      }
    const found = await resources.find(resource)
    return {
      resource,
      resourceName: found?.name ?? resource,
      scopes: scopes.map(name => ({ name, description: found?.scopes.get(name)?.description ?? name })),
    }
  }

  return {
    async list(accountId) {
      const rows = await db
        .selectFrom('consent as c')
        .select(['c.client_id', 'c.resource', 'c.scopes', 'c.created_at'])
        .select(eb =>
          eb
            .selectFrom('authorization_grant as g')
            .select(({ fn }) => fn.max('g.created_at').as('last'))
            .whereRef('g.account_id', '=', 'c.account_id')
            .whereRef('g.client_id', '=', 'c.client_id')
            .as('last_used_at'),
        )
        .where('c.account_id', '=', accountId)
        .orderBy('c.client_id')
        .orderBy('c.resource')
        .execute()
      const applications = Map.groupBy(rows, row => row.client_id)
      return Promise.all(
        [...applications].map(async ([clientId, parts]): Promise<AllowedApplication> => {
          const client = await clients.find(clientId)
          const host = client?.redirectUris.map(uri => URL.parse(uri)?.host).find(Boolean)
          return {
            clientId,
            name: client?.clientName ?? clientId,
            ...(host && { host }),
            scopes: await Promise.all(parts.map(part => describe(part.resource, part.scopes))),
            allowedAt: new Date(Math.min(...parts.map(part => part.created_at.getTime()))),
            lastUsedAt: parts[0]?.last_used_at ?? null,
          }
        }),
      )
    },

    async withdraw(accountId, clientId, source) {
      await transaction(db, async tx => {
        const deleted = await tx
          .deleteFrom('consent')
          .where('account_id', '=', accountId)
          .where('client_id', '=', clientId)
          .returning('resource')
          .execute()
        const ended = await endGrants(tx, deps, { accountId, clientId }, 'withdrawn')
        if (deleted.length + ended === 0) return
        await audit.record(tx, {
          type: 'consent_withdrawn',
          outcome: 'success',
          actor: { type: 'account', id: accountId },
          subject: { type: 'account', id: accountId },
          clientId,
          source,
          detail: { grants_ended: ended },
        })
      })
      await changeLog.catchUp()
    },
  }
}
