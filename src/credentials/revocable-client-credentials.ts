/** Signing secrets and client certificates, as things that a filter ends. */
import { sql } from 'kysely'
import { by, type Revocable, thingColumns } from '../revocation/revocable.ts'
import type { ClientCredentialKind } from './client-credential.ts'
import { type EndTokensDeps, endTokens } from './end-tokens-of.ts'
import { credentialEvent } from './minted-actor.ts'

/** The id of the master secret, from the header of what it has sealed (secrets/seal.ts). */
const KID = `convert_from(decode(rpad(translate(header, '-_', '+/'), (length(header) + 3) / 4 * 4, '='), 'base64'), 'utf8')::jsonb ->> 'kid'`

/** Of every secret that signs (signing-material.ts). */
const SEALS = `ARRAY(
  SELECT ${KID} FROM (
    SELECT d.material #>> '{current,sealed}' UNION ALL SELECT d.material #>> '{pending,sealed}' UNION ALL
    SELECT old ->> 'sealed' FROM jsonb_array_elements(d.material -> 'retired') AS old
    WHERE (old ->> 'until')::timestamptz > clock_timestamp()
  ) AS each (sealed), split_part(sealed, '.', 1) AS header
  WHERE sealed IS NOT NULL
)`

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
        ...(kind === 'signing-secret' && { pepper_ids: SEALS }),
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
