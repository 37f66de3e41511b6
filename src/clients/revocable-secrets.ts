/** Client secrets and the tokens of registration, as things that a filter ends. */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { Audit, AuditEvent } from '../audit/audit.ts'
import { by, type Ending, type Revocable, type Thing, thingColumns } from '../revocation/revocable.ts'
import { changed } from './client.ts'

export function revocableSecrets({
  audit,
}: {
  readonly audit: Pick<Audit, 'recordAll'>
}): readonly Revocable[] {
  return [clientSecret(audit), registrationToken(audit), initialToken(audit)]
}

const eventOf = (type: string, ending: Ending, clientId: string, detail: object): AuditEvent => ({
  type,
  outcome: 'success',
  ...by(ending),
  subject: { type: 'client', id: clientId },
  clientId,
  detail: { ...detail, reason: ending.reason },
})

const idsOf = (things: readonly Thing[]) => things.map(({ id }) => id)

const clientSecret = (audit: Pick<Audit, 'recordAll'>): Revocable => ({
  kind: 'client-secret',

  living: () => sql`
    SELECT ${thingColumns({
      id: 's.id',
      client_id: 's.client_id',
      organization_id: 'c.organization_id',
      issued_at: 's.created_at',
      pepper_ids: 'ARRAY[s.pepper_id]',
    })}
    FROM client_secret s JOIN client c ON c.client_id = s.client_id
    WHERE s.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
  `,

  async end(tx, things, ending) {
    const rows = await tx
      .updateTable('client_secret')
      .set({ revoked_at: sql<Date>`clock_timestamp()` })
      .where(sql<boolean>`id = ANY(${idsOf(things)}::uuid[])`)
      .where('revoked_at', 'is', null)
      .returning(['id', 'client_id', 'last4'])
      .execute()
    for (const clientId of new Set(rows.map(row => row.client_id))) await changed(tx, clientId)
    await audit.recordAll(
      tx,
      rows.map(({ id, client_id: clientId, last4 }) =>
        eventOf('client_secret_revoked', ending, clientId, { secret_id: id, last4 }),
      ),
    )
    return rows.length
  },
})

/** With which a client that registered itself is managed: nobody manages it so any more. */
const registrationToken = (audit: Pick<Audit, 'recordAll'>): Revocable => ({
  kind: 'registration-access-token',

  living: () => sql`
    SELECT ${thingColumns({
      id: 'r.client_id',
      client_id: 'r.client_id',
      organization_id: 'c.organization_id',
      issued_at: 'r.created_at',
      pepper_ids: 'ARRAY[r.pepper_id]',
    })}
    FROM client_registration r JOIN client c ON c.client_id = r.client_id WHERE r.pepper_id <> ''
  `,

  async end(tx, things, ending) {
    const rows = await tx
      .updateTable('client_registration')
      .set({ token_hash: randomBytes(32), pepper_id: '' })
      .where(sql<boolean>`client_id = ANY(${idsOf(things)}::text[])`)
      .where('pepper_id', '<>', '')
      .returning('client_id')
      .execute()
    await audit.recordAll(
      tx,
      rows.map(({ client_id: clientId }) => eventOf('registration_token_revoked', ending, clientId, {})),
    )
    return rows.length
  },
})

/** The operator's. The declarative file that still has it brings it back. */
const initialToken = (audit: Pick<Audit, 'recordAll'>): Revocable => ({
  kind: 'initial-access-token',

  living: () => sql`
    SELECT ${thingColumns({ id: 't.name', issued_at: 't.created_at', pepper_ids: 'ARRAY[t.pepper_id]' })}
    FROM initial_access_token t WHERE t.expires_at IS NULL OR t.expires_at > clock_timestamp()
  `,

  async end(tx, things, ending) {
    const rows = await tx
      .updateTable('initial_access_token')
      .set({ expires_at: sql<Date>`clock_timestamp()` })
      .where(sql<boolean>`name = ANY(${idsOf(things)}::text[])`)
      .where(sql<boolean>`(expires_at IS NULL OR expires_at > clock_timestamp())`)
      .returning('name')
      .execute()
    await audit.recordAll(
      tx,
      rows.map(({ name }) => ({
        type: 'initial_access_token_revoked',
        outcome: 'success',
        ...by(ending),
        subject: { type: 'initial-access-token', id: name },
        detail: { reason: ending.reason },
      })),
    )
    return rows.length
  },
})
