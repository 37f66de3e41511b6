/** `/v1/revocations`: ends everything that fits a filter, after a dry run has shown what that is. */
import { z } from 'zod'
import { apiRoute } from '../credentials/api-caller.ts'
import type { Identity } from '../credentials/kind.ts'
import { parseAddressRange } from '../http/address-range.ts'
import type { Call } from '../http/api-route.ts'
import { validationFailed } from '../http/problem.ts'
import { matching, textThat } from '../http/text-schema.ts'
import { timeIn, timeOut } from '../http/time-schema.ts'
import type { Bounds, EndMatching } from '../revocation/end-matching.ts'
import type { Filter, Thing } from '../revocation/revocable.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { actorOf, type DeveloperDeps } from './change.ts'
import { checkPlan, createPlan, endingOf, findBounds, ownBounds } from './revocation-plan.ts'

export interface RevocationRoutesDeps extends Pick<DeveloperDeps, 'db'> {
  readonly keyring: Keyring
  readonly endMatching: EndMatching
}

const id = matching(/^[!-~]{1,255}$/, 'must be 1 to 255 printable characters')
const uuid = matching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'must be the id of an account')

const filterKeys = (kinds: readonly string[]) => {
  const kind = z.enum(kinds as [string, ...string[]])
  return {
    kind: z
      .union([kind, z.array(kind).min(1)])
      .optional()
      .describe('One or several; all unless said'),
    credential_id: id.optional(),
    grant_id: id.optional().describe('The grant, or what was issued for it'),
    session_id: id.optional().describe('The session, or grants that came of it'),
    account_id: uuid.optional(),
    client_id: id.optional(),
    organization: id.optional().describe('Of the client'),
    env: id.optional(),
    issued_before: timeIn.optional(),
    last_address: textThat(text =>
      parseAddressRange(text) ? undefined : 'must be an address or a CIDR range such as 192.0.2.0/24',
    )
      .optional()
      .describe('Where it was last used from'),
    pepper_version: id.optional().describe('The id of the master secret under which it is stored'),
  }
}

const thingObject = z.strictObject({
  kind: z.string(),
  id: z.string(),
  account_id: z.string().optional(),
  client_id: z.string().optional(),
  issued_at: timeOut.optional(),
})

const counts = z.record(z.string(), z.int()).describe('How many of each kind')

const dryRunAnswer = z.strictObject({
  matched: counts,
  sample: z.array(thingObject).max(20),
  plan: z.string().describe('For the same filter with `dry_run: false`, within ten minutes'),
})

const doneAnswer = z.strictObject({
  revoked: z.int(),
  by_kind: counts,
  complete: z.boolean().describe('false: there is more; make a dry run again'),
})

const thingJson = ({ kind, id: thing, accountId, clientId, issuedAt }: Thing) => ({
  kind,
  id: thing,
  ...(accountId !== null && { account_id: accountId }),
  ...(clientId !== null && { client_id: clientId }),
  ...(issuedAt && { issued_at: issuedAt.toISOString() }),
})

export function revocationRoutes(deps: RevocationRoutesDeps) {
  const { db, keyring, endMatching } = deps
  const body = z.strictObject({
    ...filterKeys(endMatching.kinds),
    dry_run: z.boolean().default(true),
    plan: z.string().max(100).optional().describe('Of the dry run'),
  })

  function filterOf(sent: z.output<typeof body>): Filter {
    const { kind, last_address: lastAddress } = sent
    const filter: Filter = {
      kinds: kind === undefined ? undefined : [kind].flat(),
      credentialId: sent.credential_id,
      grantId: sent.grant_id,
      sessionId: sent.session_id,
      accountId: sent.account_id?.toLowerCase(),
      clientId: sent.client_id,
      organization: sent.organization,
      env: sent.env,
      issuedBefore: sent.issued_before,
      lastAddress: lastAddress === undefined ? undefined : parseAddressRange(lastAddress),
      pepperVersion: sent.pepper_version,
    }
    if (Object.values(filter).some(value => value !== undefined)) return filter
    const keys = Object.keys(filterKeys(endMatching.kinds))
    throw validationFailed(keys.map(path => ({ path, message: 'or another key of the filter is needed' })))
  }

  async function answer(
    { caller, ctx, body: sent }: Call<Identity, z.output<typeof body>, unknown>,
    bounds: Bounds,
  ): Promise<z.input<typeof dryRunAnswer> | z.input<typeof doneAnswer>> {
    const filter = filterOf(sent)
    if (sent.dry_run) {
      const { counts: matched, sample } = await endMatching.look(filter, bounds)
      return { matched, sample: sample.map(thingJson), plan: createPlan(keyring, caller, filter, bounds) }
    }
    checkPlan(keyring, caller, filter, bounds, sent.plan)
    const ending = endingOf(actorOf({ caller, ctx }), filter)
    const { total, counts: ended, complete } = await endMatching.end(filter, bounds, ending)
    return { revoked: total, by_kind: ended, complete }
  }

  const route = {
    method: 'post',
    status: 200,
    body,
    response: z.union([dryRunAnswer, doneAnswer]),
    revokes: (made: z.input<typeof dryRunAnswer> | z.input<typeof doneAnswer>) =>
      'revoked' in made ? made.revoked : undefined,
  } as const

  return [
    apiRoute({
      ...route,
      path: '/v1/revocations',
      summary:
        'End everything that fits a filter. A dry run comes first: it says what that is, and gives the plan',
      scope: 'revoke',
      answer: async call => answer(call, await findBounds(db, call.caller)),
    }),
    apiRoute({
      ...route,
      path: '/v1/revocations/own',
      summary: 'The same for what is your own: sessions, what you allowed, personal tokens',
      scope: 'tokens:write',
      answer: async call => answer(call, ownBounds(call.caller)),
    }),
  ]
}
