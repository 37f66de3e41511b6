/**
 * How client credentials are made, given new material, and ended. Each change is one transaction with its audit row and its
 * row in the change log; when a call returns, this node knows of it.
 */
import { sql } from 'kysely'
import type { Audit } from '../audit/audit.ts'
import { appendChange, type ChangeLog } from '../db/change-log.ts'
import type { Tx } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import { notFound, Problem } from '../http/problem.ts'
import type { Revocations } from '../revocation/revocation.ts'
import { newMintedId } from '../secrets/minted-format.ts'
import {
  type ClientCredential,
  type ClientCredentialKind,
  type ClientCredentialRow,
  findClientCredential,
} from './client-credential.ts'
import { endTokens } from './end-tokens-of.ts'
import {
  type Actor,
  checkMayRelease,
  checkReleased,
  credentialEvent,
  type EventSubject,
} from './minted-actor.ts'
import { type BoundsDeps, boundCredential } from './minted-bounds.ts'
import type { NewCredential } from './minted-input.ts'
import { CREDENTIAL_CHANGE } from './minted-token.ts'

export interface NewClientCredential extends NewCredential {
  readonly kind: ClientCredentialKind
}

/** What its kind verifies with, and what it is found by when a request does not say its id. */
export interface Material {
  readonly material: Readonly<Record<string, unknown>>
  readonly handles?: readonly string[]
  /** For the audit. */
  readonly detail?: Readonly<Record<string, unknown>>
}

export interface ClientCredentials {
  /**
   * Whether the actor may make credentials for this client at all is the caller's to check; here its own bounds are.
   * @param materialOf called once, with the id that it gets
   * @throws Problem 403 `access_denied`, 400 `validation_failed` with errors by wire name
   */
  create(
    actor: Actor,
    fields: NewClientCredential,
    materialOf: (id: string) => Material | Promise<Material>,
  ): Promise<ClientCredential>
  /**
   * Gives it other material. The row is locked meanwhile.
   * @param happened follows the name of its kind in the audit: `rotated`
   * @throws Problem 404, 409 `conflict` when it has ended
   */
  renew(
    actor: Actor,
    id: string,
    happened: string,
    materialOf: (row: ClientCredentialRow, now: Date, tx: Tx) => Material | Promise<Material>,
  ): Promise<ClientCredential>
  /** A second time it changes nothing. @throws Problem 404 */
  revoke(actor: Actor, id: string, reason?: string): Promise<void>
  /** It is refused until somebody looks into it. Nothing happens to one that has ended. @throws Problem 404 */
  quarantine(actor: Actor, id: string, reason?: string): Promise<void>
  /** As MintedTokens.release. @throws Problem 404, 409, 403 */
  release(actor: Actor, id: string): Promise<ClientCredential>
}

export interface ClientCredentialDeps extends BoundsDeps {
  readonly audit: Pick<Audit, 'record' | 'recordAll'>
  readonly changeLog: Pick<ChangeLog, 'catchUp'>
  readonly revocations: Pick<Revocations, 'revokeAll'>
}

export function createClientCredentials(deps: ClientCredentialDeps): ClientCredentials {
  const { db, audit, changeLog } = deps

  async function note(
    tx: Tx,
    actor: Actor,
    row: EventSubject,
    happened: string,
    detail?: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await appendChange(tx, CREDENTIAL_CHANGE, { id: row.id, kind: row.kind })
    await audit.record(tx, credentialEvent(actor, row, happened, detail))
  }

  async function getMade(id: string): Promise<ClientCredential> {
    const made = await findClientCredential(db, id)
    if (!made) throw notFound()
    return made
  }

  return {
    async create(actor, fields, materialOf) {
      const bound = await boundCredential(deps, actor.identity, fields)
      if (bound.cnf)
        throw new Problem(403, 'access_denied', 'A credential that is bound to a key makes only such as are.')
      const id = newMintedId()
      const { material, handles = [], detail } = await materialOf(id)
      const { kind, owner, name, description, rateLimit, notBefore } = fields
      await transaction(db, async tx => {
        const row = await tx
          .insertInto('client_credential')
          .values({
            id,
            kind,
            client_id: owner.id,
            name: name.trim(),
            description: description?.trim() || null,
            env: bound.env,
            scopes: JSON.stringify(bound.scopes),
            not_before: notBefore ?? null,
            expires_at: bound.expiresAt,
            allowed_addresses: bound.allowedAddresses && [...bound.allowedAddresses],
            rate_limit_requests: rateLimit?.requests ?? null,
            rate_limit_seconds: rateLimit?.seconds ?? null,
            material: JSON.stringify(material),
            handles: [...handles],
          })
          .returning(['id', 'kind', 'client_id', 'name'])
          .executeTakeFirstOrThrow()
        await note(tx, actor, row, 'created', {
          name: row.name,
          env: bound.env,
          scopes: bound.scopes,
          ...detail,
        })
      })
      await changeLog.catchUp()
      return getMade(id)
    },

    async renew(actor, id, happened, materialOf) {
      await transaction(db, async tx => {
        const row = await tx
          .selectFrom('client_credential')
          .selectAll()
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirst()
        if (!row) throw notFound()
        const now = await sql<{ now: Date }>`SELECT clock_timestamp() AS now`.execute(tx)
        const time = now.rows[0]?.now ?? new Date()
        if (row.revoked_at !== null || (row.expires_at !== null && row.expires_at <= time))
          throw new Problem(409, 'conflict', 'It has ended: it cannot be rotated.')
        const { material, handles, detail } = await materialOf(row, time, tx)
        await tx
          .updateTable('client_credential')
          .set({ material: JSON.stringify(material), ...(handles && { handles: [...handles] }) })
          .where('id', '=', id)
          .execute()
        await note(tx, actor, row, happened, detail)
      })
      await changeLog.catchUp()
      return getMade(id)
    },

    async revoke(actor, id, reason = 'revoked') {
      await getMade(id)
      await transaction(db, tx =>
        endTokens(tx, deps, 'client_credential', sql`id = ${id}`, reason, (row, detail) =>
          credentialEvent(actor, row, 'revoked', detail),
        ),
      )
      await changeLog.catchUp()
    },

    async quarantine(actor, id, reason) {
      await getMade(id)
      await transaction(db, async tx => {
        const row = await tx
          .updateTable('client_credential')
          .set({ quarantined_at: sql<Date>`clock_timestamp()` })
          .where('id', '=', id)
          .where('quarantined_at', 'is', null)
          .where('revoked_at', 'is', null)
          .returning(['id', 'kind', 'client_id'])
          .executeTakeFirst()
        if (row) await note(tx, actor, row, 'quarantined', reason === undefined ? {} : { reason })
      })
      await changeLog.catchUp()
    },

    async release(actor, id) {
      await getMade(id)
      checkMayRelease(actor)
      await transaction(db, async tx => {
        const row = await tx
          .updateTable('client_credential')
          .set({ quarantined_at: null })
          .where('id', '=', id)
          .where('quarantined_at', 'is not', null)
          .where('revoked_at', 'is', null)
          .returning(['id', 'kind', 'client_id'])
          .executeTakeFirst()
        if (row) await note(tx, actor, row, 'released')
      })
      await changeLog.catchUp()
      return checkReleased(await getMade(id))
    },
  }
}
