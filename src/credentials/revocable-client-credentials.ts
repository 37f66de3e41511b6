/** Signing secrets and client certificates, as things that a filter ends. */
import { sql } from 'kysely'
import { by, type Revocable, thingColumns } from '../revocation/revocable.ts'
import type { ClientCredentialKind } from './client-credential.ts'
import { type EndTokensDeps, endTokens } from './end-tokens-of.ts'
import { credentialEvent } from './minted-actor.ts'

export function revocableClientCredentials(deps: EndTokensDeps): readonly Revocable[] {
  const kindOf = (kind: ClientCredentialKind): Revocable => ({
    kind,

    living: () => sql`
      SELECT ${thingColumns({
        id: 'd.id',
        client_id: 'd.client_id',
        organization_id: 'c.organization_id',
        env: 'd.env',
        issued_at: 'd.created_at',
        address: 'u.address',
      })}
      FROM client_credential d LEFT JOIN client c ON c.client_id = d.client_id
        LEFT JOIN credential_last_use u ON u.credential_id = d.id
      WHERE d.revoked_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > clock_timestamp()) AND d.kind = ${kind}
    `,

    end: (tx, things, ending) =>
      endTokens(
        tx,
        deps,
        'client_credential',
        sql`id = ANY(${things.map(({ id }) => id)}::text[])`,
        ending.reason,
        (row, detail) => ({ ...credentialEvent({ source: {} }, row, 'revoked', detail), ...by(ending) }),
      ),
  })
  return [kindOf('signing-secret'), kindOf('client-certificate')]
}
