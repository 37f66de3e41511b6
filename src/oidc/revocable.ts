/** Sessions, grants and what is issued here, as things that a filter ends. */
import { sql } from 'kysely'
import { by, type Revocable, thingColumns } from '../revocation/revocable.ts'
import type { OidcDeps } from './deps.ts'
import { endSessions } from './end-session.ts'
import { endGrants } from './grant.ts'
import { publicId } from './stored-access-token.ts'

type RevocableDeps = Pick<OidcDeps, 'revocations' | 'audit'>

export function revocableSessions(deps: RevocableDeps): Revocable {
  return {
    kind: 'session',

    living: () => sql`
      SELECT ${thingColumns({
        id: 's.uid',
        session_id: 's.uid',
        account_id: 's.account_id',
        issued_at: 'coalesce(s.signed_in_at, s.created_at)',
        address: 's.address',
        pepper_ids: 'ARRAY[s.pepper_id]',
      })}
      FROM session s
      WHERE s.ended_at IS NULL AND s.account_id IS NOT NULL AND s.expires_at > clock_timestamp()
    `,

    end: (tx, things, ending) =>
      endSessions(
        tx,
        deps,
        things.map(({ id }) => id),
        ending.reason,
        by(ending),
      ),
  }
}

/** With all its codes, refresh tokens and access tokens: of its secrets one is enough for a pepper to be its own. */
export function revocableGrants(deps: RevocableDeps): Revocable {
  return {
    kind: 'grant',

    living: () => sql`
      SELECT ${thingColumns({
        id: 'g.id',
        grant_id: 'g.id',
        session_id: 'g.session_uid',
        account_id: 'g.account_id',
        client_id: 'g.client_id',
        organization_id: 'c.organization_id',
        issued_at: 'g.created_at',
        pepper_ids: PEPPERS_OF_GRANT,
      })}
      FROM authorization_grant g LEFT JOIN client c ON c.client_id = g.client_id
      WHERE g.ended_at IS NULL AND g.expires_at > clock_timestamp()
    `,

    end: (tx, things, ending) =>
      endGrants(tx, deps, { ids: things.map(({ id }) => id) }, ending.reason, by(ending)),
  }
}

/** Of what can still be used. */
const PEPPERS_OF_GRANT = `ARRAY(
  SELECT r.key_id FROM refresh_token r
    WHERE r.grant_id = g.id AND r.consumed_at IS NULL AND r.expires_at > clock_timestamp()
  UNION SELECT a.pepper_id FROM authorization_code a
    WHERE a.grant_id = g.id AND a.consumed_at IS NULL AND a.expires_at > clock_timestamp()
  UNION SELECT d.pepper_id FROM device_code d
    WHERE d.grant_id = g.id AND d.consumed_at IS NULL AND d.expires_at > clock_timestamp()
)`

/** Opaque ones; those of a grant end with it too. JWTs are in no table. */
export function revocableAccessTokens({ audit, revocations }: RevocableDeps): Revocable {
  return {
    kind: 'access-token',

    living: () => sql`
      SELECT ${thingColumns({
        // As stored-access-token.ts makes it.
        id: "left(translate(encode(sha256(t.id_hash), 'base64'), '+/', '-_'), 22)",
        key: "encode(t.id_hash, 'hex')",
        grant_id: 't.grant_id',
        account_id: 't.account_id',
        client_id: 't.client_id',
        organization_id: 'c.organization_id',
        issued_at: 't.created_at',
        pepper_ids: 'ARRAY[t.pepper_id]',
      })}
      FROM access_token t LEFT JOIN client c ON c.client_id = t.client_id WHERE t.expires_at > clock_timestamp()
    `,

    async end(tx, things, ending) {
      const { rows } = await sql<{ key: string; expires_at: Date }>`
        DELETE FROM access_token
        WHERE id_hash IN (SELECT decode(key, 'hex') FROM unnest(${things.map(({ key }) => key)}::text[]) AS key)
        RETURNING encode(id_hash, 'hex') AS key, expires_at
      `.execute(tx)
      const deleted = new Set(rows.map(({ key }) => key))
      // For what they were exchanged for.
      if (rows.length > 0)
        await revocations.revokeAll(
          tx,
          rows.map(({ key, expires_at: expiresAt }) => ({
            kind: 'token',
            id: publicId(Buffer.from(key, 'hex')),
            reason: ending.reason,
            expiresAt,
          })),
        )
      await audit.recordAll(
        tx,
        things
          .filter(({ key }) => key !== null && deleted.has(key))
          .map(({ id, clientId }) => ({
            type: 'token_revoked',
            outcome: 'success',
            ...by(ending),
            subject: { type: 'access-token', id },
            ...(clientId !== null && { clientId }),
            detail: { reason: ending.reason },
          })),
      )
      return deleted.size
    },
  }
}

/** Nobody has allowed it yet, or the device has not fetched its tokens. */
export function revocableDeviceCodes({ audit }: Pick<OidcDeps, 'audit'>): Revocable {
  return {
    kind: 'device-code',

    living: () => sql`
      SELECT ${thingColumns({
        id: 'd.id',
        grant_id: 'd.grant_id',
        account_id: 'd.account_id',
        client_id: 'd.client_id',
        organization_id: 'c.organization_id',
        issued_at: 'd.created_at',
        address: 'd.address',
        pepper_ids: 'ARRAY[d.pepper_id]',
      })}
      FROM device_code d LEFT JOIN client c ON c.client_id = d.client_id
      WHERE d.consumed_at IS NULL AND d.expires_at > clock_timestamp()
    `,

    async end(tx, things, ending) {
      const rows = await tx
        .updateTable('device_code')
        .set({ expires_at: sql<Date>`clock_timestamp()` })
        .where(sql<boolean>`id = ANY(${things.map(({ id }) => id)}::text[])`)
        .where('consumed_at', 'is', null)
        .where('expires_at', '>', sql<Date>`clock_timestamp()`)
        .returning(['id', 'client_id'])
        .execute()
      await audit.recordAll(
        tx,
        rows.map(({ id, client_id: clientId }) => ({
          type: 'device_code_revoked',
          outcome: 'success',
          ...by(ending),
          subject: { type: 'device-code', id },
          clientId,
          detail: { reason: ending.reason },
        })),
      )
      return rows.length
    },
  }
}
