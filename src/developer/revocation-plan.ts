/**
 * What may be ended by a filter, and the plan that stands between looking and doing: whoever ends something has seen what
 * it is, because the plan comes with what was matched and fits one filter of one caller, with what the caller acts on, for
 * ten minutes.
 */
import { createHmac } from 'node:crypto'
import type { Identity } from '../credentials/kind.ts'
import type { Db } from '../db/connect.ts'
import { validationFailed } from '../http/problem.ts'
import type { Bounds } from '../revocation/end-matching.ts'
import type { Ending, Filter } from '../revocation/revocable.ts'
import { equal } from '../secrets/compare.ts'
import type { Keyring } from '../secrets/keyring.ts'
import type { Actor } from './change.ts'
import { findReach, isAllowed } from './ownership.ts'

const PLAN_SECONDS = 600

/** What belongs to clients of organizations that it owns, and what is its own; an administrator's: everything. */
export async function findBounds(db: Db, identity: Identity): Promise<Bounds> {
  const reach = await findReach(db, identity)
  return {
    ...ownBounds(identity),
    everywhere: reach.everywhere,
    organizations: [...reach.roles.keys()].filter(id => isAllowed(reach, id, 'owner')),
  }
}

export const ownBounds = ({ subject }: Pick<Identity, 'subject'>): Bounds => ({
  everywhere: false,
  organizations: [],
  ...(subject.type === 'account' && { accountId: subject.id }),
})

export function endingOf({ identity, source }: Actor, filter: Filter, reason = 'revoked'): Ending {
  const { issuedBefore } = filter
  return {
    actor: identity.subject,
    credential: { kind: identity.kind, id: identity.credentialId },
    source,
    reason,
    ...(issuedBefore && { issuedBefore }),
  }
}

type Keys = Pick<Keyring, 'derive'>
type Caller = Pick<Identity, 'subject'>

export function createPlan(keyring: Keys, caller: Caller, filter: Filter, bounds: Bounds): string {
  const until = Math.floor(Date.now() / 1000) + PLAN_SECONDS
  return `${until}.${signatures(keyring, caller, filter, bounds, until)[0]}`
}

/** @throws Problem 400 `validation_failed` at `plan` */
export function checkPlan(
  keyring: Keys,
  caller: Caller,
  filter: Filter,
  bounds: Bounds,
  plan: string | undefined,
): void {
  const [, time = '', signature = ''] = /^(\d{1,12})\.([\w-]{43})$/.exec(plan ?? '') ?? []
  const until = Number(time)
  const fits = signatures(keyring, caller, filter, bounds, until).some(good => equal(good, signature))
  if (plan !== undefined && fits && until > Date.now() / 1000) return
  throw validationFailed([
    {
      path: 'plan',
      message:
        plan === undefined
          ? 'is needed: make a dry run with the same filter first'
          : 'is too old, or of another filter or caller: make a dry run again',
    },
  ])
}

function signatures(
  keyring: Keys,
  { subject }: Caller,
  filter: Filter,
  { everywhere, organizations }: Bounds,
  until: number,
): string[] {
  const { kinds, lastAddress, ...rest } = filter
  const sorted = Object.entries(rest).sort(([one], [other]) => (one < other ? -1 : 1))
  const text = JSON.stringify([
    until,
    subject.type,
    subject.id,
    everywhere ? null : [...organizations].sort(),
    kinds ? [...kinds].sort() : null,
    lastAddress?.text ?? null,
    sorted.filter(([, value]) => value !== undefined),
  ])
  return keyring
    .derive('revocation-plan')
    .map(({ key }) => createHmac('sha256', key).update(text).digest('base64url'))
}
