/** What the declarative file may refer to: what it describes itself, and what the database has already. */
import { sql } from 'kysely'
import { normalizeUsername } from '../accounts/account-fields.ts'
import type { Db, Tx } from '../db/connect.ts'
import { keysOf, recordOf, textOf, textsOf } from '../http/unknown-value.ts'
import { otherSpelling } from '../resources/resource-address.ts'
import { itemsOf, type Section } from './file-view.ts'

export interface KnownObjects {
  readonly organizations: ReadonlySet<string>
  /** Scope names by resource identifier. */
  readonly resources: ReadonlyMap<string, ReadonlySet<string>>
  readonly roles: ReadonlySet<string>
  /** Usernames, normalised. */
  readonly accounts: ReadonlySet<string>
  /** Resources that follow the server: they may be named, not described. */
  readonly builtIn: ReadonlySet<string>
}

export const NOTHING_KNOWN: KnownObjects = {
  organizations: new Set(),
  resources: new Map(),
  roles: new Set(),
  accounts: new Set(),
  builtIn: new Set(),
}

/** @param file anything: mistakes of shape are found elsewhere */
export function withDescribed(file: unknown, known: KnownObjects): KnownObjects {
  const described = (section: Section, key: string) =>
    itemsOf(file, section).flatMap(({ item }) => textOf(item[key]) ?? [])
  const resources = new Map(known.resources)
  for (const { item } of itemsOf(file, 'resources')) {
    const identifier = textOf(item.identifier)
    if (identifier !== undefined)
      resources.set(identifier, new Set([...(resources.get(identifier) ?? []), ...keysOf(item.scopes)]))
  }
  return {
    organizations: new Set([...known.organizations, ...described('organizations', 'id')]),
    resources,
    roles: new Set([...known.roles, ...described('roles', 'name')]),
    accounts: new Set([...known.accounts, ...described('accounts', 'username').map(normalizeUsername)]),
    builtIn: known.builtIn,
  }
}

/** Looks up what the file refers to. One query; the answer is as large as the file at most, and the scopes it names. */
export async function findKnownObjects(db: Db | Tx, file: unknown): Promise<KnownObjects> {
  const { organizations, resources, roles, accounts } = references(file)
  const { rows } = await sql<{ kind: keyof KnownObjects; id: string; scopes: string[] | null }>`
    SELECT 'organizations' AS kind, id, NULL::text[] AS scopes FROM organization WHERE id = ANY(${organizations}::text[])
    UNION ALL SELECT 'roles', name, NULL FROM role WHERE name = ANY(${roles}::text[])
    UNION ALL SELECT 'accounts', username, NULL FROM account WHERE username = ANY(${accounts}::text[])
    UNION ALL SELECT 'resources', identifier,
      ARRAY(SELECT name FROM resource_scope WHERE resource_scope.resource = resource.identifier)
    FROM resource WHERE identifier = ANY(${resources}::text[])
    UNION ALL SELECT 'builtIn', identifier, NULL FROM resource WHERE built_in
  `.execute(db)
  const ids = (kind: keyof KnownObjects) => new Set(rows.filter(row => row.kind === kind).map(row => row.id))
  return {
    organizations: ids('organizations'),
    resources: new Map(
      rows.filter(row => row.kind === 'resources').map(({ id, scopes }) => [id, new Set(scopes)]),
    ),
    roles: ids('roles'),
    accounts: ids('accounts'),
    builtIn: ids('builtIn'),
  }
}

const spellingsOf = (identifier: string | undefined) =>
  identifier === undefined ? [] : [identifier, otherSpelling(identifier)]

function references(file: unknown): Record<Exclude<keyof KnownObjects, 'builtIn'>, string[]> {
  const all = (section: Section) => itemsOf(file, section).map(({ item }) => item)
  const clients = all('clients')
  const resources = all('resources')
  const storable = (names: readonly (string | undefined)[]) =>
    [...new Set(names)].filter(text => text?.isWellFormed() && !text.includes('\0')) as string[]
  const members = all('organizations').flatMap(({ members }) => (Array.isArray(members) ? members : []))
  return {
    organizations: storable([...resources, ...clients].map(item => textOf(item.organization))),
    resources: storable([
      ...resources.flatMap(({ identifier }) => spellingsOf(textOf(identifier))),
      ...clients.flatMap(item => [...keysOf(item.resource_scopes), ...textsOf(item.introspect)]),
      ...all('roles').flatMap(item => keysOf(item.scopes)),
      ...all('initial_access_tokens').flatMap(item => keysOf(item.resource_scopes)),
    ]),
    roles: storable(all('accounts').flatMap(item => textsOf(item.roles))),
    accounts: storable(
      members.map(member => textOf(recordOf(member)?.account)).map(text => text && normalizeUsername(text)),
    ),
  }
}
