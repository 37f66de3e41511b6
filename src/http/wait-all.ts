/**
 * `?wait=all&timeout=5` on every /v1 route that revokes (docs/api.md): the answer comes when every node refuses what was
 * revoked, or when the time is over, and says which. Without it the answer is 204 at once.
 */
import { z } from 'zod'
import type { Db } from '../db/connect.ts'
import { waitForAll } from '../db/nodes.ts'

/** The query of such a route. `timeout` is in seconds. */
export const waitQuery = z.object({
  wait: z.literal('all').optional(),
  timeout: z.coerce.number().int().min(0).max(30).default(5),
})

export type WaitQuery = z.infer<typeof waitQuery>

/** The body of a 200, and of a 202 when the time was over. The revocation stands in both. */
export const revocationAnswer = z.object({
  revoked: z.number().int(),
  position: z.string(),
  nodes: z.object({ live: z.number().int(), acknowledged: z.number().int() }),
  took_ms: z.number().int(),
})

export type RevocationAnswer =
  | { readonly status: 204; readonly body: null }
  | { readonly status: 200 | 202; readonly body: z.infer<typeof revocationAnswer> }

/**
 * Call it after the revocation has committed, with the query that was validated before it.
 * @param revoked how many things were revoked
 */
export async function answerRevocation(db: Db, query: WaitQuery, revoked = 1): Promise<RevocationAnswer> {
  if (query.wait === undefined) return { status: 204, body: null }
  const waited = await waitForAll(db, { timeoutSeconds: query.timeout })
  const { position, nodes, tookMs, complete } = waited
  return { status: complete ? 200 : 202, body: { revoked, position, nodes, took_ms: tookMs } }
}
