/**
 * What a client proves itself with beside its API keys, as everybody may see it: signing secrets, client certificates.
 * Each has the restrictions that a key has; what its kind verifies with is its `material`, which never leaves the server
 * (a kind shows of it what may be shown). Made and ended by client-credential-life-cycle.ts.
 */
import { type Selectable, sql } from 'kysely'
import type { Db, Tx } from '../db/connect.ts'
import { type ListPage, type PageRequest, pageOf, readCursor } from '../http/page.ts'
import {
  type LastUsed,
  type MintedToken,
  type Owner,
  type RateLimit,
  rateLimitOf,
  scopesOf,
  statusOf,
} from './minted-token.ts'
import type { CredentialTables } from './tables.ts'

export type ClientCredentialKind = 'signing-secret' | 'client-certificate'

export type ClientCredentialRow = Selectable<CredentialTables['client_credential']>

export interface ClientCredential {
  readonly id: string
  readonly kind: ClientCredentialKind
  readonly owner: Owner
  readonly name: string
  readonly description: string | null
  readonly env: string
  readonly status: MintedToken['status']
  /** Resource → scopes, as they were given. What it may do now is less when its client may. */
  readonly scopes: MintedToken['scopes']
  readonly notBefore: Date | null
  readonly expiresAt: Date | null
  /** CIDR ranges; null: anywhere. */
  readonly allowedAddresses: readonly string[] | null
  readonly rateLimit: RateLimit | null
  /** It is itself the key that is shown. */
  readonly cnf: null
  readonly createdAt: Date
  readonly revokedAt: Date | null
  readonly lastUsed: LastUsed | null
  /** Its kind's own. */
  readonly material: Readonly<Record<string, unknown>>
}

const KINDS: readonly string[] = ['signing-secret', 'client-certificate'] satisfies ClientCredentialKind[]

const ID = /^[0-9A-Za-z]{16}$/

export const isClientCredentialKind = (kind: unknown): kind is ClientCredentialKind =>
  typeof kind === 'string' && KINDS.includes(kind)

/** Any text may be asked for. One query. */
export async function findClientCredential(db: Db | Tx, id: string): Promise<ClientCredential | undefined> {
  if (!ID.test(id)) return undefined
  const row = await selectCredentials(db).where('client_credential.id', '=', id).executeTakeFirst()
  return row && toClientCredential(row)
}

/** Whose to list: one client's, or those of all clients of some organizations, or everybody's. */
export type Listed = { readonly clientId: string } | { readonly organizations: readonly string[] | 'all' }

/**
 * Newest first, ended ones too.
 * @throws Problem 400 `validation_failed` at `cursor`
 */
export async function listClientCredentials(
  db: Db | Tx,
  kind: ClientCredentialKind,
  listed: Listed,
  { limit, cursor }: PageRequest,
): Promise<ListPage<ClientCredential>> {
  const after = cursor === undefined ? undefined : readCursor(cursor, [/^\d{1,14}$/, ID])
  let query = selectCredentials(db)
    .where('kind', '=', kind)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
  if ('clientId' in listed) query = query.where('client_id', '=', listed.clientId)
  else if (listed.organizations !== 'all')
    query = query.where(sql<boolean>`client_id IN (
      SELECT client_id FROM client WHERE organization_id = ANY(${[...listed.organizations]}::text[])
    )`)
  if (after)
    query = query.where(sql<boolean>`(created_at, id) < (${new Date(Number(after[0]))}, ${after[1]})`)
  const page = pageOf(await query.execute(), limit, ({ created_at, id }) => [
    String(created_at.getTime()),
    id,
  ])
  return { ...page, data: page.data.map(toClientCredential) }
}

function selectCredentials(db: Db | Tx) {
  return db
    .selectFrom('client_credential')
    .leftJoin('credential_last_use', 'credential_last_use.credential_id', 'client_credential.id')
    .selectAll('client_credential')
    .select([
      'credential_last_use.used_at',
      'credential_last_use.user_agent',
      sql<string | null>`host(credential_last_use.address)`.as('used_from'),
    ])
}

type SelectedRow = Awaited<ReturnType<ReturnType<typeof selectCredentials>['executeTakeFirstOrThrow']>>

function toClientCredential(row: SelectedRow): ClientCredential {
  if (!isClientCredentialKind(row.kind))
    throw new Error(`There is no client credential of the kind ${row.kind}`)
  return {
    id: row.id,
    kind: row.kind,
    owner: { type: 'client', id: row.client_id },
    name: row.name,
    description: row.description,
    env: row.env,
    status: statusOf(row),
    scopes: scopesOf(row.scopes),
    notBefore: row.not_before,
    expiresAt: row.expires_at,
    allowedAddresses: row.allowed_addresses,
    rateLimit: rateLimitOf(row),
    cnf: null,
    createdAt: row.created_at,
    revokedAt: row.revoked_at,
    lastUsed: row.used_at && { at: row.used_at, address: row.used_from, userAgent: row.user_agent },
    material: row.material,
  }
}
