/**
 * What still hangs on which master secret: rows that are hashed under its pepper or sealed with its key. Counts only; what
 * has ended does not count. With it an operator sees when an old secret can go.
 */
import { sql } from 'kysely'
import type { Db } from '../db/connect.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { sealedWith } from '../secrets/seal.ts'

export interface SecretUse {
  readonly table: string
  readonly rows: number
  /** When the last of them will have ended by itself; null: some do not end by themselves. */
  readonly until: Date | null
}

export interface SecretInUse {
  /** undefined: of rows that were written before it was noted. */
  readonly id: string | undefined
  /** `missing`: no longer in LATCHKEY_SECRETS. What hangs on it does not work. */
  readonly state: 'newest' | 'older' | 'missing'
  readonly uses: readonly SecretUse[]
}

/** A table, the column that names the secret, and which rows still count. Those of `sealed` hold a JWE. */
interface Place {
  readonly table: string
  /** What stands in for the rows of the table: SQL with the columns that are named here. */
  readonly from?: string
  readonly column: string
  readonly isSealed?: true
  readonly where?: string
  /** Where rows do not end by themselves. */
  readonly forEver?: true
}

const ALIVE = 'expires_at > now()'
const NOT_EXPIRED = '(expires_at IS NULL OR expires_at > now())'

const PLACES: readonly Place[] = [
  {
    table: 'signing_key',
    column: 'sealed_private_jwk',
    isSealed: true,
    where: "state <> 'retired'",
    forEver: true,
  },
  { table: 'client_secret', column: 'pepper_id', where: `revoked_at IS NULL AND ${NOT_EXPIRED}` },
  // Empty: the token was ended, and its client lives on.
  { table: 'client_registration', column: 'pepper_id', where: "pepper_id <> ''", forEver: true },
  { table: 'initial_access_token', column: 'pepper_id', where: NOT_EXPIRED },
  {
    table: 'minted_token',
    column: 'hashed_with',
    where: `revoked_at IS NULL AND hashed_with <> 'sha256' AND ${NOT_EXPIRED}`,
  },
  {
    table: 'minted_token',
    column: "pending->>'hashed_with'",
    where: `revoked_at IS NULL AND pending IS NOT NULL AND ${NOT_EXPIRED}`,
  },
  {
    table: 'minted_token',
    from: `(
      SELECT old->>'hashed_with' AS hashed_with, (old->>'until')::timestamptz AS expires_at
      FROM minted_token, jsonb_array_elements(retired) AS old WHERE revoked_at IS NULL AND ${NOT_EXPIRED}
    ) AS replaced`,
    column: 'hashed_with',
    where: `hashed_with <> 'sha256' AND ${ALIVE}`,
  },
  ...['current', 'pending'].map(key => ({
    table: 'client_credential',
    column: `material->'${key}'->>'sealed'`,
    isSealed: true as const,
    where: `revoked_at IS NULL AND material->'${key}'->>'sealed' IS NOT NULL AND ${NOT_EXPIRED}`,
  })),
  {
    table: 'client_credential',
    from: `(
      SELECT old->>'sealed' AS sealed, (old->>'until')::timestamptz AS expires_at
      FROM client_credential, jsonb_array_elements(material->'retired') AS old
      WHERE kind = 'signing-secret' AND revoked_at IS NULL AND ${NOT_EXPIRED}
    ) AS replaced`,
    column: 'sealed',
    isSealed: true,
    where: `sealed IS NOT NULL AND ${ALIVE}`,
  },
  { table: 'refresh_token', column: 'key_id', where: `consumed_at IS NULL AND ${ALIVE}` },
  { table: 'session', column: 'pepper_id', where: `ended_at IS NULL AND ${ALIVE}` },
  { table: 'interaction', column: 'sealed_payload', isSealed: true, where: ALIVE },
  {
    table: 'pushed_authorization_request',
    column: 'sealed_payload',
    isSealed: true,
    where: `consumed_at IS NULL AND ${ALIVE}`,
  },
  { table: 'authorization_code', column: 'pepper_id', where: `consumed_at IS NULL AND ${ALIVE}` },
  { table: 'device_code', column: 'pepper_id', where: `consumed_at IS NULL AND ${ALIVE}` },
  { table: 'access_token', column: 'pepper_id', where: ALIVE },
  { table: 'invitation', column: 'pepper_id', where: `used_at IS NULL AND ${ALIVE}` },
]

interface Row {
  readonly name: string | null
  readonly rows: number
  readonly until: Date | null
}

/** The newest first, then the older ones, then those that are missing. One query after the other: an operator can wait. */
export async function findSecretsInUse(db: Db, keyring: Keyring): Promise<SecretInUse[]> {
  const configured = keyring.derive('pepper').map(({ id }) => id)
  const uses = new Map<string | undefined, SecretUse[]>(configured.map(id => [id, []]))
  for (const place of PLACES)
    for (const { name, rows, until } of await count(db, place)) {
      const id = name === null ? undefined : place.isSealed ? sealedWith(`${name}....`) : name
      const known = uses.get(id) ?? []
      uses.set(id, known)
      known.push({ table: place.table, rows, until })
    }
  return [...uses].map(([id, found]) => ({ id, state: stateOf(configured, id), uses: found }))
}

function stateOf([newest, ...older]: readonly string[], id: string | undefined): SecretInUse['state'] {
  if (id === newest) return 'newest'
  return id !== undefined && older.includes(id) ? 'older' : 'missing'
}

/** By the name of the secret; of a JWE that is its header, as it is written. */
async function count(db: Db, place: Place): Promise<Row[]> {
  const { table, from, column, isSealed, where = 'true', forEver } = place
  const name = sql.raw(isSealed ? `split_part(${column}, '.', 1)` : column)
  const until = sql.raw(
    forEver
      ? 'NULL::timestamptz'
      : 'CASE WHEN bool_or(expires_at IS NULL) THEN NULL ELSE max(expires_at) END',
  )
  const { rows } = await sql<Row>`
    SELECT ${name} AS name, count(*)::int AS rows, ${until} AS until
    FROM ${from ? sql.raw(from) : sql.table(table)} WHERE ${sql.raw(where)} GROUP BY 1
  `.execute(db)
  return rows
}
