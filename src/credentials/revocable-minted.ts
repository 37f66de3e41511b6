/** API keys and personal access tokens, as things that a filter ends. */
import { sql } from 'kysely'
import { by, type Revocable, thingColumns } from '../revocation/revocable.ts'
import { type EndTokensDeps, endTokens } from './end-tokens-of.ts'
import { credentialEvent } from './minted-actor.ts'
import type { MintedKind } from './minted-token.ts'

/** Of every secret that opens it. */
const PEPPERS = `ARRAY[m.hashed_with, m.pending ->> 'hashed_with'] || ARRAY(
  SELECT old ->> 'hashed_with' FROM jsonb_array_elements(m.retired) AS old
  WHERE (old ->> 'until')::timestamptz > clock_timestamp()
)`

export function revocableMinted(deps: EndTokensDeps): readonly Revocable[] {
  const kindOf = (kind: MintedKind): Revocable => ({
    kind,

    living: () => sql`
      SELECT ${thingColumns({
        id: 'm.id',
        account_id: 'm.account_id',
        client_id: 'm.client_id',
        organization_id: 'c.organization_id',
        env: 'm.env',
        issued_at: 'm.created_at',
        address: 'u.address',
        pepper_ids: PEPPERS,
      })}
      FROM minted_token m LEFT JOIN client c ON c.client_id = m.client_id
        LEFT JOIN credential_last_use u ON u.credential_id = m.id
      WHERE m.revoked_at IS NULL AND (m.expires_at IS NULL OR m.expires_at > clock_timestamp())
        AND ${kind === 'api-key' ? sql`m.client_id IS NOT NULL` : sql`m.account_id IS NOT NULL`}
    `,

    end: (tx, things, ending) =>
      endTokens(
        tx,
        deps,
        'minted_token',
        sql`id = ANY(${things.map(({ id }) => id)}::text[])`,
        ending.reason,
        (row, detail) => ({
          ...credentialEvent({ source: {} }, row, 'revoked', detail),
          ...by(ending),
        }),
      ),
  })
  return [kindOf('api-key'), kindOf('personal-access-token')]
}
