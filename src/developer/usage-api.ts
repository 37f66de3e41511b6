/** `/v1/usage`: how often a key or personal token was used, by hour and outcome. */
import { z } from 'zod'
import { findClient } from '../clients/client.ts'
import { apiRoute } from '../credentials/api-caller.ts'
import { findClientCredential } from '../credentials/client-credential.ts'
import type { Identity } from '../credentials/kind.ts'
import { findMintedToken } from '../credentials/minted-token.ts'
import { usageOf } from '../credentials/usage.ts'
import type { Db } from '../db/connect.ts'
import { notFound } from '../http/problem.ts'
import { timeOut } from '../http/time-schema.ts'
import { checkReach, findReach } from './ownership.ts'

const usageQuery = z.strictObject({
  credential_id: z
    .string()
    .describe('The id of an API key, signing secret or certificate, or of a personal token of yours'),
  days: z.coerce.number().int().min(1).max(400).default(30).describe('How far back'),
})

const usageObject = z
  .strictObject({
    data: z.array(z.strictObject({ hour: timeOut, outcome: z.enum(['success', 'refused']), count: z.int() })),
    next_cursor: z.null(),
  })
  .meta({ id: 'Usage' })

export function usageRoutes({ db }: { db: Db }) {
  return [
    apiRoute({
      method: 'get',
      path: '/v1/usage',
      summary: 'The use of one credential by hour, oldest first; hours without a use are left out',
      scope: 'usage:read',
      status: 200,
      query: usageQuery,
      response: usageObject,
      async answer({ caller, query: { credential_id: id, days } }) {
        await checkCredential(db, caller, id)
        const hours = await usageOf(db, id, { days })
        const data = hours.map(({ at, outcome, count }) => ({ hour: at.toISOString(), outcome, count }))
        return { data, next_cursor: null }
      },
    }),
  ]
}

/** @throws Problem 404 unless it is the caller's own token, or a key of an organization it acts on */
async function checkCredential(db: Db, caller: Identity, id: string): Promise<void> {
  const token = (await findMintedToken(db, id)) ?? (await findClientCredential(db, id))
  if (!token) throw notFound()
  const { owner } = token
  if (owner.type === caller.subject.type && owner.id === caller.subject.id) return
  const organization = owner.type === 'client' ? (await findClient(db, owner.id))?.organizationId : undefined
  checkReach(await findReach(db, caller), organization, 'viewer')
}
