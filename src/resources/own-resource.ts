/**
 * Our own JSON API as a resource like any other: `<issuer>/v1`, with the scopes of its routes. The declarative file cannot
 * describe it, but ceilings and roles may name it. Scopes over one's own things are open to every account; the others
 * come from roles, from an organization role, or from being an administrator (permission.ts). They act on the caller's
 * organizations only.
 */
import { sql } from 'kysely'
import type { OrganizationRole } from '../accounts/tables.ts'
import { appendChange } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import { changed, type ResourceScope } from './resource.ts'
import { upsertScopes } from './upsert-resource.ts'

const own = (description: string): ResourceScope => ({ description, restricted: false })
const restricted = (description: string): ResourceScope => ({ description, restricted: true })

export const OWN_SCOPES = {
  'tokens:read': own('See your personal access tokens'),
  'tokens:write': own(
    'Create and revoke personal access tokens that act as you, and end your sessions and what you allowed',
  ),
  'clients:read': restricted("See your organizations' clients"),
  'clients:write': restricted("Register and change your organizations' clients and their secrets"),
  'resources:read': restricted("See your organizations' resources"),
  'resources:write': restricted("Register and change your organizations' resources"),
  'keys:read': restricted("See the API keys of your organizations' clients"),
  'keys:write': restricted("Create and revoke API keys of your organizations' clients"),
  'organizations:read': restricted('See your organizations and their members'),
  'organizations:write': restricted('Change your organizations and their members'),
  'accounts:read': restricted('See accounts'),
  'accounts:write': restricted('Create, change and disable accounts'),
  'audit:read': restricted('See what happened'),
  'usage:read': restricted('See how credentials are used'),
  'secrets:read': restricted('See which master secrets are still in use'),
  'signing-keys:read': restricted('See the keys that sign tokens'),
  'signing-keys:write': restricted('Rotate the keys that sign tokens'),
  verify: restricted('Check credentials of others'),
  revoke: restricted('Revoke credentials of others'),
} satisfies Record<string, ResourceScope>

export type OwnScope = keyof typeof OWN_SCOPES

const VIEWER: readonly OwnScope[] = [
  'clients:read',
  'resources:read',
  'keys:read',
  'organizations:read',
  'usage:read',
]
const DEVELOPER: readonly OwnScope[] = [...VIEWER, 'clients:write', 'resources:write', 'keys:write']

/** What a member may do there, by its role in an organization. */
export const SCOPES_BY_ORGANIZATION_ROLE: Readonly<Record<OrganizationRole, readonly OwnScope[]>> = {
  viewer: VIEWER,
  developer: DEVELOPER,
  owner: [...DEVELOPER, 'organizations:write', 'revoke'],
}

export const ownResourceOf = (issuer: string): string => `${issuer}/v1`

const NAME = 'Latchkey API'

/** Writes the new identifier into what another room keeps, in the transaction of the change. */
export type FollowRename = (tx: Tx, from: string, to: string) => Promise<void>

/**
 * Makes the row with all its scopes, or gives it the identifier of an issuer that has changed. Several nodes may start at
 * once. Ceilings and roles follow by their foreign keys, `introspect` lists here, the rest by `follow`.
 */
export async function ensureOwnResource(
  db: Db,
  issuer: string,
  follow: readonly FollowRename[] = [],
): Promise<void> {
  const identifier = ownResourceOf(issuer)
  const scopes = new Map<string, ResourceScope>(Object.entries(OWN_SCOPES))
  await transaction(db, async tx => {
    const created = await sql`
      INSERT INTO resource (identifier, name, built_in) VALUES (${identifier}, ${NAME}, true)
      ON CONFLICT DO NOTHING RETURNING identifier
    `.execute(tx)
    const from = created.rows.length === 0 ? await rename(tx, identifier) : undefined
    if (from !== undefined)
      for (const write of [renameInIntrospect, ...follow]) await write(tx, from, identifier)
    const added = await upsertScopes(tx, { identifier, scopes })
    if (created.rows.length > 0 || from !== undefined || added) await changed(tx, identifier)
    if (from !== undefined) await changed(tx, from)
  })
}

/** @returns its former identifier, or undefined when it has this one already */
async function rename(tx: Tx, identifier: string): Promise<string | undefined> {
  const { rows } = await sql<{ former: string }>`
    UPDATE resource SET identifier = ${identifier}, updated_at = clock_timestamp()
    FROM (SELECT identifier AS former FROM resource WHERE built_in) AS before
    WHERE built_in AND identifier <> ${identifier}
    RETURNING before.former
  `.execute(tx)
  return rows[0]?.former
}

/** Whoever keeps clients or roles in memory has the old identifier in them. */
async function renameInIntrospect(tx: Tx, from: string, to: string): Promise<void> {
  await sql`
    UPDATE client SET introspect = array_replace(introspect, ${from}, ${to}) WHERE ${from} = ANY(introspect)
  `.execute(tx)
  for (const type of ['client', 'role']) await appendChange(tx, type, {})
}
