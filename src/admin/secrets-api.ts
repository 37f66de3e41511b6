/** `/v1/secrets`: which master secrets there are, by their short public ids, and what still hangs on each. No secret. */
import { z } from 'zod'
import { apiRoute } from '../credentials/api-caller.ts'
import type { Db } from '../db/connect.ts'
import { timeOut } from '../http/time-schema.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { findSecretsInUse } from './secrets-in-use.ts'

const secretObject = z
  .strictObject({
    id: z.string().nullable().describe('A short public name; null: written before it was noted'),
    state: z.enum(['newest', 'older', 'missing']).describe('missing: no longer in LATCHKEY_SECRETS'),
    in_use: z.boolean(),
    uses: z.array(
      z.strictObject({
        table: z.string(),
        rows: z.int(),
        until: timeOut
          .nullable()
          .describe('When the last of them will have ended by itself; null: not by itself'),
      }),
    ),
  })
  .meta({ id: 'MasterSecret' })

export function secretRoutes({ db, keyring }: { db: Db; keyring: Keyring }) {
  return [
    apiRoute({
      method: 'get',
      path: '/v1/secrets',
      summary:
        'The master secrets and what still hangs on each: an older one without uses can go. For the operator',
      scope: 'secrets:read',
      status: 200,
      response: z.strictObject({ data: z.array(secretObject), next_cursor: z.null() }),
      async answer() {
        const secrets = await findSecretsInUse(db, keyring)
        const data = secrets.map(({ id = null, state, uses }) => ({
          id,
          state,
          in_use: uses.length > 0,
          uses: uses.map(({ table, rows, until }) => ({ table, rows, until: until?.toISOString() ?? null })),
        }))
        return { data, next_cursor: null }
      },
    }),
  ]
}
