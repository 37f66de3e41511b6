/**
 * The tokens we mint ourselves, as everybody may see them: API keys of a client, personal access tokens of an account.
 * Their secrets are hashed (minted-secret.ts) and never leave the row. Made and ended by minted-life-cycle.ts, replaced by
 * minted-rotation.ts, checked by verify-minted.ts.
 */
import { type RawBuilder, type Selectable, sql } from 'kysely'
import type { Db, Tx } from '../db/connect.ts'
import { type ListPage, type PageRequest, pageOf, readCursor } from '../http/page.ts'
import type { MintedFormatKind } from '../secrets/minted-format.ts'
import type { Confirmation } from './kind.ts'
import type { CredentialTables, SeenLeak } from './tables.ts'

/** The change log's row type; without an id it means all of them. */
export const CREDENTIAL_CHANGE = 'credential'

export type MintedKind = 'api-key' | 'personal-access-token'

export interface Owner {
  readonly type: 'client' | 'account'
  readonly id: string
}

export interface RateLimit {
  readonly requests: number
  readonly seconds: number
}

export interface LastUsed {
  readonly at: Date
  readonly address: string | null
  readonly userAgent: string | null
}

export interface MintedToken {
  readonly id: string
  readonly kind: MintedKind
  readonly owner: Owner
  readonly name: string
  readonly description: string | null
  readonly env: string
  readonly status: 'active' | 'quarantined' | 'revoked'
  /** '' for a token of another system. */
  readonly prefix: string
  /** The last four characters of the whole token. */
  readonly last4: string
  /** Resource → scopes, as they were given. What it may do now is less when its owner may. */
  readonly scopes: ReadonlyMap<string, ReadonlySet<string>>
  readonly notBefore: Date | null
  readonly expiresAt: Date | null
  /** CIDR ranges; null: anywhere. */
  readonly allowedAddresses: readonly string[] | null
  readonly rateLimit: RateLimit | null
  readonly cnf: Confirmation | null
  readonly createdAt: Date
  readonly revokedAt: Date | null
  readonly lastUsed: LastUsed | null
  /** Since when a rotated secret waits for its first use. */
  readonly pendingSince: Date | null
  /** The secret that was replaced and still works. */
  readonly retiring: { readonly last4: string; readonly until: Date } | null
  /** Others know a secret that works, or would if that had not ended it. */
  readonly leak: KnownLeak | null
}

export interface KnownLeak {
  readonly at: Date
  readonly how: SeenLeak['how']
  /** In the words of whoever reported it. */
  readonly where: string | null
}

/** Everything of the row but when it was used. */
export type MintedRow = Selectable<CredentialTables['minted_token']>

export const KIND_OF_FORMAT: Readonly<Record<MintedFormatKind, MintedKind>> = {
  key: 'api-key',
  pat: 'personal-access-token',
}
export const FORMAT_OF_KIND: Readonly<Record<MintedKind, MintedFormatKind>> = {
  'api-key': 'key',
  'personal-access-token': 'pat',
}

const ID = /^[0-9A-Za-z]{16}$/

/** Any text may be asked for. One query. */
export async function findMintedToken(db: Db | Tx, id: string): Promise<MintedToken | undefined> {
  if (!ID.test(id)) return undefined
  const row = await selectTokens(db).where('minted_token.id', '=', id).executeTakeFirst()
  return row && toMintedToken(row)
}

/**
 * The tokens of one owner, newest first, ended ones too.
 * @throws Problem 400 `validation_failed` at `cursor`
 */
export async function listMintedTokens(
  db: Db | Tx,
  { kind, owner }: { readonly kind: MintedKind; readonly owner: Owner },
  { limit, cursor }: PageRequest,
): Promise<ListPage<MintedToken>> {
  if (ownerTypeOf(kind) !== owner.type) return { data: [], nextCursor: null }
  const after = cursor === undefined ? undefined : readCursor(cursor, [/^\d{1,14}$/, ID])
  const rows = await selectTokens(db)
    .where(sql<boolean>`${ownerColumn(owner)} = ${owner.id}`)
    .$if(after !== undefined, query =>
      query.where(sql<boolean>`(created_at, id) < (${new Date(Number(after?.[0]))}, ${after?.[1]})`),
    )
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
  const page = pageOf(rows, limit, ({ created_at, id }) => [String(created_at.getTime()), id])
  return { data: page.data.map(toMintedToken), nextCursor: page.nextCursor }
}

export const ownerTypeOf = (kind: MintedKind): Owner['type'] => (kind === 'api-key' ? 'client' : 'account')

const ownerColumn = ({ type }: Owner): RawBuilder<unknown> =>
  type === 'client' ? sql.ref('minted_token.client_id') : sql.ref('minted_token.account_id')

type TokenRow = Awaited<ReturnType<ReturnType<typeof selectTokens>['executeTakeFirstOrThrow']>>

export function selectTokens(db: Db | Tx) {
  return db
    .selectFrom('minted_token')
    .leftJoin('credential_last_use', 'credential_last_use.credential_id', 'minted_token.id')
    .selectAll('minted_token')
    .select([
      'credential_last_use.used_at',
      'credential_last_use.user_agent',
      sql<string | null>`host(credential_last_use.address)`.as('used_from'),
      sql<Date>`clock_timestamp()`.as('now'),
    ])
}

export function toMintedToken(row: TokenRow): MintedToken {
  const [retired] = (row.retired ?? []).filter(({ until }) => new Date(until) > row.now)
  return {
    id: row.id,
    ...ownership(row),
    name: row.name,
    description: row.description,
    env: row.env,
    status: statusOf(row),
    prefix: row.prefix,
    last4: row.last4,
    scopes: scopesOf(row.scopes),
    notBefore: row.not_before,
    expiresAt: row.expires_at,
    allowedAddresses: row.allowed_addresses,
    rateLimit: rateLimitOf(row),
    cnf: row.cnf,
    createdAt: row.created_at,
    revokedAt: row.revoked_at,
    lastUsed: row.used_at && { at: row.used_at, address: row.used_from, userAgent: row.user_agent },
    pendingSince: row.pending && new Date(row.pending.since),
    retiring: retired ? { last4: retired.last4, until: new Date(retired.until) } : null,
    leak: leakOf(row, retired?.last4),
  }
}

/** A leak is over when the secret has been replaced, and its grace too. */
function leakOf({ leak, last4, pending, ...row }: MintedRow, retiring: string | undefined): KnownLeak | null {
  if (!leak) return null
  const working = [last4, pending?.last4, retiring]
  if (statusOf(row) === 'active' && last4 !== '' && !working.includes(leak.last4)) return null
  return { at: new Date(leak.at), how: leak.how, where: leak.where ?? null }
}

export function ownership(row: Pick<MintedRow, 'account_id' | 'client_id'>): {
  kind: MintedKind
  owner: Owner
} {
  return row.client_id === null
    ? { kind: 'personal-access-token', owner: { type: 'account', id: row.account_id ?? '' } }
    : { kind: 'api-key', owner: { type: 'client', id: row.client_id } }
}

export function statusOf(row: Pick<MintedRow, 'revoked_at' | 'quarantined_at'>): MintedToken['status'] {
  if (row.revoked_at !== null) return 'revoked'
  return row.quarantined_at === null ? 'active' : 'quarantined'
}

export function scopesOf(scopes: MintedRow['scopes']): MintedToken['scopes'] {
  return new Map(Object.entries(scopes).map(([resource, names]) => [resource, new Set(names)]))
}

export function rateLimitOf(
  row: Pick<MintedRow, 'rate_limit_requests' | 'rate_limit_seconds'>,
): RateLimit | null {
  const { rate_limit_requests: requests, rate_limit_seconds: seconds } = row
  return requests === null || seconds === null ? null : { requests, seconds }
}
