/**
 * Who holds a client's secret, or the key it signs with, acts as the client: nobody may rise by giving it one. `verify` only
 * asks questions.
 */
import type { Client } from '../clients/client.ts'
import { Problem } from '../http/problem.ts'
import type { Actor } from './change.ts'
import type { Reach } from './ownership.ts'

/** @throws Problem 403 when the client may do more on this server than the caller */
export function refuseRising({
  actor,
  reach,
  client,
  ownResource,
}: {
  readonly actor: Actor
  readonly reach: Reach
  readonly client: Client
  readonly ownResource: string
}): void {
  const ceiling = client.ceiling.get(ownResource) ?? new Set()
  const isMore = [...ceiling].some(scope => scope !== 'verify' && !actor.identity.scopes.includes(scope))
  if (isMore && !reach.everywhere)
    throw new Problem(
      403,
      'access_denied',
      'This client may do more on this server than you. Somebody who may as much can give it a secret or a key.',
    )
}
