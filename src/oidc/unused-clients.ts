/**
 * Clients that registered themselves go when nobody uses them: those registered without a token soon when nobody ever
 * has, all others a long time after their last use. None goes that can still do something for a person, that has an API
 * key, or that an organization has taken over; nor one that an operator shut and whose document would bring it back.
 * What was issued to one is ended with it.
 */
import { type RawBuilder, sql } from 'kysely'
import { deleteClient, lockClient } from '../clients/client-state.ts'
import { endClient } from '../credentials/end-client.ts'
import type { SweepTask } from '../db/sweep.ts'
import { transaction } from '../db/transaction.ts'
import type { OidcDeps } from './deps.ts'

const BATCH_SIZE = 100

type SweepDeps = Pick<OidcDeps, 'db' | 'audit' | 'revocations'> & {
  readonly config: Pick<OidcDeps['config'], 'neverUsedClientLifetime' | 'unusedClientLifetime'>
}

export function unusedClientSweep(deps: SweepDeps): SweepTask {
  return {
    name: 'unused clients',
    async run(isStopping) {
      let total = 0
      for (;;) {
        const ids = await findUnused(deps)
        for (const id of ids) {
          if (isStopping()) return total
          if (await expireClient(deps, id)) total += 1
        }
        if (ids.length < BATCH_SIZE) return total
      }
    },
  }
}

/** SQL over `client c`. */
function isUnused({ neverUsedClientLifetime: never, unusedClientLifetime: unused }: SweepDeps['config']) {
  const olderThan = (time: RawBuilder<unknown>, seconds: number | undefined) =>
    seconds === undefined ? sql`false` : sql`${time} < now() - make_interval(secs => ${seconds})`
  return sql<boolean>`(
    c.registration <> 'operator' AND c.organization_id IS NULL
    AND NOT (c.registration = 'metadata_document' AND c.disabled_at IS NOT NULL)
    AND (
      ${olderThan(sql`coalesce((SELECT used_at FROM client_use u WHERE u.client_id = c.client_id), c.created_at)`, unused)}
      OR (
        ${olderThan(sql`c.created_at`, never)}
        AND NOT EXISTS (SELECT FROM client_use u WHERE u.client_id = c.client_id)
        AND NOT EXISTS (
          SELECT FROM client_registration r WHERE r.client_id = c.client_id AND r.source_hash IS NULL
        )
      )
    )
    AND NOT EXISTS (
      SELECT FROM authorization_grant g
      WHERE g.client_id = c.client_id AND g.ended_at IS NULL AND g.expires_at > now()
    )
    AND NOT EXISTS (SELECT FROM minted_token m WHERE m.client_id = c.client_id AND m.revoked_at IS NULL)
    AND NOT EXISTS (SELECT FROM client_credential d WHERE d.client_id = c.client_id AND d.revoked_at IS NULL)
  )`
}

async function findUnused({ db, config }: SweepDeps): Promise<string[]> {
  const { rows } = await sql<{ client_id: string }>`
    SELECT c.client_id FROM client c WHERE ${isUnused(config)} ORDER BY c.created_at LIMIT ${sql.lit(BATCH_SIZE)}
  `.execute(db)
  return rows.map(({ client_id }) => client_id)
}

/** @returns false when it was used, or another node was faster */
async function expireClient(deps: SweepDeps, clientId: string): Promise<boolean> {
  return transaction(deps.db, async tx => {
    await lockClient(tx, clientId)
    const { rows } = await sql<{ client_name: string; holds: boolean }>`
      SELECT c.client_name, ${mayHoldTokens} AS holds FROM client c
      WHERE c.client_id = ${clientId} AND ${isUnused(deps.config)}
    `.execute(tx)
    const [row] = rows
    if (!row) return false
    if (row.holds) await endClient(tx, deps, { source: {} }, clientId, 'client_expired')
    await deleteClient(tx, clientId)
    await deps.audit.record(tx, {
      type: 'client_expired',
      outcome: 'success',
      actor: { type: 'system' },
      subject: { type: 'client', id: clientId },
      clientId,
      detail: { client_name: row.client_name },
    })
    return true
  })
}

/**
 * SQL over `client c`: whether anything may have been issued to it that is not over. Who registered without a token can
 * have tokens only by a grant, whose row outlives them: without one there is nothing to revoke. Every node remembers
 * revocations for months, and whoever registers many clients must not fill its memory. The id of a metadata document
 * comes back with the next use of its client: it must not be a revoked one.
 */
export const mayHoldTokens = sql<boolean>`(
  c.registration = 'dynamic' AND (
    EXISTS (SELECT FROM client_registration r WHERE r.client_id = c.client_id AND r.source_hash IS NULL)
    OR EXISTS (SELECT FROM authorization_grant g WHERE g.client_id = c.client_id)
    OR EXISTS (SELECT FROM minted_token m WHERE m.client_id = c.client_id)
    OR EXISTS (SELECT FROM client_credential d WHERE d.client_id = c.client_id)
  )
)`
