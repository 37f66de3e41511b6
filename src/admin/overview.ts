/** What the administration page shows: counts, clients, resources, and whether the server is well. Reads only. */
import { sql } from 'kysely'
import type { AccountsOfDay } from '../../views/admin/accounts-created.tsx'
import type { AdminPageProps, HealthItem } from '../../views/admin/admin-page.tsx'
import { listClients } from '../clients/client.ts'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import { migrationStatus } from '../db/migrate.ts'
import { listResources } from '../resources/resource.ts'
import { version } from '../version.ts'

const DAYS = 30

/** One query after the other: the page must work with a pool of one connection and leave others theirs. */
export async function findOverview(db: Db, changeLog: Pick<ChangeLog, 'isFresh'>): Promise<AdminPageProps> {
  const health = await checkHealth(db, changeLog)
  const counts = await countThings(db)
  const organizations = await organizationNames(db)
  const nameOf = (id: string | null) => (id === null ? undefined : (organizations.get(id) ?? id))
  const clients = (await listClients(db)).map(client => ({
    clientId: client.clientId,
    name: client.clientName,
    organization: nameOf(client.organizationId),
    grantTypes: [...client.grantTypes],
    authMethod: client.tokenEndpointAuthMethod,
    scopes: [...new Set([...client.ceiling.values()].flatMap(scopes => [...scopes]))],
    disabled: client.disabled,
  }))
  const resources = (await listResources(db)).map(resource => ({
    identifier: resource.identifier,
    name: resource.name,
    organization: nameOf(resource.organizationId),
    tokenFormat: resource.tokenFormat,
    scopes: [...resource.scopes].map(([name, scope]) => ({ name, ...scope })),
  }))
  return { health, counts, clients, resources, accountsCreatedPerDay: await accountsPerDay(db) }
}

async function checkHealth(db: Db, changeLog: Pick<ChangeLog, 'isFresh'>): Promise<HealthItem[]> {
  const began = performance.now()
  await sql`SELECT 1`.execute(db)
  const roundTrip = (performance.now() - began).toFixed(1)
  const { applied, pending } = await migrationStatus(db)
  const fresh = changeLog.isFresh()
  return [
    { name: 'Server', ok: true, detail: `Version ${version}` },
    { name: 'Database', ok: true, detail: `Answers in ${roundTrip} ms` },
    {
      name: 'Change log',
      ok: fresh,
      detail: fresh
        ? 'Followed; what is kept in memory is current'
        : 'Not read for 3 seconds; nothing in memory is trusted',
    },
    {
      name: 'Migrations',
      ok: pending.length === 0,
      detail: pending.length === 0 ? `All ${applied.length} applied` : `Not applied: ${pending.join(', ')}`,
    },
  ]
}

async function countThings(db: Db): Promise<AdminPageProps['counts']> {
  const { rows } = await sql<AdminPageProps['counts']>`
    SELECT
      (SELECT count(*)::int FROM account) AS accounts,
      (SELECT count(*)::int FROM client) AS clients,
      (SELECT count(*)::int FROM resource) AS resources,
      (SELECT count(*)::int FROM session
        WHERE account_id IS NOT NULL AND ended_at IS NULL AND expires_at > clock_timestamp()) AS sessions
  `.execute(db)
  return rows[0] ?? { accounts: 0, clients: 0, resources: 0, sessions: 0 }
}

async function organizationNames(db: Db): Promise<Map<string, string>> {
  const rows = await db.selectFrom('organization').select(['id', 'name']).execute()
  return new Map(rows.map(({ id, name }) => [id, name]))
}

/** Days of UTC, oldest first, those without an account too. */
async function accountsPerDay(db: Db): Promise<AccountsOfDay[]> {
  const { rows } = await sql<AccountsOfDay>`
    SELECT day AT TIME ZONE 'UTC' AS day, count(account.id)::int AS count
    FROM generate_series(
      date_trunc('day', now() AT TIME ZONE 'UTC') - make_interval(days => ${DAYS - 1}),
      date_trunc('day', now() AT TIME ZONE 'UTC'), '1 day'
    ) AS day
    LEFT JOIN account ON account.created_at >= day AT TIME ZONE 'UTC'
      AND account.created_at < (day + interval '1 day') AT TIME ZONE 'UTC'
    GROUP BY day ORDER BY day
  `.execute(db)
  return rows
}
