/**
 * How keys and personal tokens are made and ended. Each change is one transaction with its audit row and its row in the
 * change log; when a call returns, this node knows of it. Replacing a secret is in minted-rotation.ts.
 */
import { sql } from 'kysely'
import type { Audit } from '../audit/audit.ts'
import type { Config } from '../config.ts'
import { appendChange, type ChangeLog } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import { notFound, Problem, validationFailed } from '../http/problem.ts'
import type { Revocations } from '../revocation/revocation.ts'
import { hashSecret } from '../secrets/hash.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { mint } from '../secrets/minted-format.ts'
import { type Actor, checkMayRelease, checkReleased, noteChange } from './minted-actor.ts'
import { type BoundCredential, type BoundsDeps, boundCredential } from './minted-bounds.ts'
import { mistakesOf, type NewMintedToken, rangesOf } from './minted-input.ts'
import { type Rotation, rotateMinted } from './minted-rotation.ts'
import { IMPORTED, idsOfImported } from './minted-secret.ts'
import {
  CREDENTIAL_CHANGE,
  FORMAT_OF_KIND,
  findMintedToken,
  type MintedToken,
  ownerTypeOf,
} from './minted-token.ts'

export type { Actor } from './minted-actor.ts'
export type { NewMintedToken } from './minted-input.ts'
export type { Rotation } from './minted-rotation.ts'

export interface MintedTokenDeps extends BoundsDeps {
  readonly config: BoundsDeps['config'] & Pick<Config, 'tokenPrefixes'>
  readonly db: Db
  readonly keyring: Keyring
  readonly audit: Pick<Audit, 'record'>
  readonly changeLog: Pick<ChangeLog, 'catchUp'>
  readonly revocations: Pick<Revocations, 'revoke'>
}

/** The token, and its secret for the only time. */
export interface Minted {
  readonly token: MintedToken
  readonly secret: string
}

/** A token of another system, or of another Latchkey. */
export interface ImportedToken extends NewMintedToken {
  /** SHA-256 of the whole token: 32 bytes. */
  readonly sha256: Buffer
  /** Of a token in our own format. */
  readonly id?: string
  readonly prefix?: string
  readonly last4?: string
}

export interface MintedTokens {
  /**
   * Whether the actor may make tokens for this owner at all is the caller's to check; here its own bounds are.
   * @throws Problem 403 `access_denied`, 400 `validation_failed` with errors by wire name
   */
  create(actor: Actor, fields: NewMintedToken): Promise<Minted>
  /** @throws Problem 404, 409 `conflict` when it has ended, 403, 400 */
  rotate(actor: Actor, id: string, rotation?: Rotation): Promise<Minted>
  /** A second time it changes nothing. @throws Problem 404 */
  revoke(actor: Actor, id: string, reason?: string): Promise<void>
  /** It is refused until somebody looks into it. Nothing happens to one that has ended. @throws Problem 404 */
  quarantine(actor: Actor, id: string, reason?: string): Promise<void>
  /**
   * Somebody has looked into it: out of quarantine. One that is in none stays as it is.
   * @throws Problem 404, 409 `conflict` when it was revoked, 403 `access_denied`
   */
  release(actor: Actor, id: string): Promise<MintedToken>
  /**
   * Its scopes count as far as its owner has them. Keys that are not in our format are presented as `X-API-Key` or
   * `Authorization: ApiKey`.
   * @returns its id
   */
  importHashed(tx: Tx, token: ImportedToken): Promise<string>
}

/** How long the list of revocations remembers one: its row does for longer, and no copy of that lives for a day. */
const REMEMBERED = sql<Date>`clock_timestamp() + interval '1 day'`

export function createMintedTokens(deps: MintedTokenDeps): MintedTokens {
  const { config, db, keyring, audit, changeLog, revocations } = deps
  const [prefix = 'lk'] = config.tokenPrefixes

  /** Sets a column that ends or stops it, once. */
  async function end(
    actor: Actor,
    id: string,
    column: 'revoked_at' | 'quarantined_at',
    reason: string | undefined,
  ): Promise<void> {
    if (!(await findMintedToken(db, id))) throw notFound()
    await transaction(db, async tx => {
      const row = await tx
        .updateTable('minted_token')
        .set({ [column]: sql<Date>`clock_timestamp()` })
        .where('id', '=', id)
        .where(column, 'is', null)
        .where('revoked_at', 'is', null)
        .returning(['id', 'account_id', 'client_id', REMEMBERED.as('remembered')])
        .executeTakeFirst()
      if (!row) return
      const happened = column === 'revoked_at' ? 'revoked' : 'quarantined'
      if (column === 'revoked_at')
        await revocations.revoke(tx, {
          kind: 'credential',
          id,
          reason: reason ?? happened,
          expiresAt: row.remembered,
        })
      await noteChange(tx, audit, actor, row, happened, reason === undefined ? {} : { reason })
    })
    await changeLog.catchUp()
  }

  return {
    async create(actor, fields) {
      if (fields.owner.type !== ownerTypeOf(fields.kind))
        throw new Error(`${fields.kind} cannot belong to ${fields.owner.type}`)
      const bound = await boundCredential(deps, actor.identity, fields)
      const made = mint({ prefix, env: bound.env, kind: FORMAT_OF_KIND[fields.kind] })
      const { hash, pepperId } = hashSecret(keyring, made.token)
      const token = await transaction(db, async tx => {
        const row = await insert(tx, fields, bound, {
          id: made.id,
          prefix,
          last4: made.last4,
          secret_hash: hash,
          hashed_with: pepperId,
        })
        const detail = { name: row.name, env: bound.env, scopes: bound.scopes }
        await noteChange(tx, audit, actor, row, 'created', detail)
        return await findMintedToken(tx, row.id)
      })
      await changeLog.catchUp()
      if (!token) throw new Error('A token that was just made is gone')
      return { token, secret: made.token }
    },

    rotate: (actor, id, rotation = {}) => rotateMinted(deps, actor, id, rotation),
    revoke: (actor, id, reason) => end(actor, id, 'revoked_at', reason),
    quarantine: (actor, id, reason) => end(actor, id, 'quarantined_at', reason),

    async release(actor, id) {
      const before = await findMintedToken(db, id)
      if (!before) throw notFound()
      checkMayRelease(actor)
      if (before.kind === 'personal-access-token' && actor.identity?.kind === before.kind)
        throw new Problem(403, 'access_denied', 'A personal access token cannot release another one.')
      await transaction(db, async tx => {
        const row = await tx
          .updateTable('minted_token')
          .set({ quarantined_at: null })
          .where('id', '=', id)
          .where('quarantined_at', 'is not', null)
          .where('revoked_at', 'is', null)
          .returning(['id', 'account_id', 'client_id'])
          .executeTakeFirst()
        if (row) await noteChange(tx, audit, actor, row, 'released')
      })
      await changeLog.catchUp()
      return checkReleased(await findMintedToken(db, id))
    },

    async importHashed(tx, token) {
      const mistakes = mistakesOf(token, config)
      if (mistakes.length > 0) throw validationFailed(mistakes)
      const { kind, sha256, id, last4 = '' } = token
      if (sha256.length !== 32) throw new Error('A SHA-256 has 32 bytes')
      if (id === undefined && kind !== 'api-key')
        throw new Error('Only API keys can be imported in the format of another system')
      const bound = {
        env: token.env ?? config.environments[0] ?? 'live',
        scopes: token.scopes,
        expiresAt: token.expiresAt ?? null,
        allowedAddresses: rangesOf(token.allowedAddresses)?.map(({ text }) => text) ?? null,
        cnf: token.cnf ?? null,
      }
      const row = await insert(tx, token, bound, {
        id: id ?? idsOfImported(keyring, sha256)[0] ?? '',
        prefix: id === undefined ? '' : (token.prefix ?? prefix),
        last4,
        secret_hash: sha256,
        hashed_with: IMPORTED,
      })
      await appendChange(tx, CREDENTIAL_CHANGE, { id: row.id })
      return row.id
    },
  }
}

interface StoredAs {
  readonly id: string
  readonly prefix: string
  readonly last4: string
  readonly secret_hash: Buffer
  readonly hashed_with: string
}

async function insert(tx: Tx, fields: NewMintedToken, bound: BoundCredential, stored: StoredAs) {
  const { owner, description, rateLimit } = fields
  const row = await tx
    .insertInto('minted_token')
    .values({
      ...stored,
      account_id: owner.type === 'account' ? owner.id : null,
      client_id: owner.type === 'client' ? owner.id : null,
      name: fields.name.trim(),
      description: description?.trim() || null,
      env: bound.env,
      scopes: JSON.stringify(bound.scopes),
      not_before: fields.notBefore ?? null,
      expires_at: bound.expiresAt,
      allowed_addresses: bound.allowedAddresses && [...bound.allowedAddresses],
      rate_limit_requests: rateLimit?.requests ?? null,
      rate_limit_seconds: rateLimit?.seconds ?? null,
      cnf: bound.cnf && JSON.stringify(bound.cnf),
    })
    .onConflict(conflict => conflict.column('id').doNothing())
    .returning(['id', 'name', 'account_id', 'client_id'])
    .executeTakeFirst()
  if (!row) throw new Problem(409, 'conflict', 'There is a token with this id.')
  return row
}
