/**
 * How signing secrets are made and given new keys. A secret is made here and shown once; of an Ed25519 key the client keeps
 * the private half and gives the public one. Rotation is that of API keys (minted-rotation.ts): the id stays, the new key
 * waits for its first use, and the old one works through a grace after it, or until a date, or ends at once.
 */

import { notFound, Problem, validationFailed } from '../http/problem.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { type ClientCredential, findClientCredential } from './client-credential.ts'
import type { ClientCredentials, NewClientCredential } from './client-credential-life-cycle.ts'
import { type Actor, refuseReplacedSecret } from './minted-actor.ts'
import { type BoundsDeps, databaseTime, isWithinMaker } from './minted-bounds.ts'
import { cannotRotate, REMEMBERED, type Rotation, rotationMistakes, USUAL_GRACE } from './minted-rotation.ts'
import {
  makeKey,
  type NewKey,
  type RetiredKey,
  type SigningMaterial,
  signingMaterial,
} from './signing-material.ts'

export const SIGNING_SECRET = 'signing-secret'

/** The secret is there once, and only when it was made here. */
export interface MadeSigningSecret {
  readonly credential: ClientCredential
  readonly secret?: string
}

export interface SigningSecrets {
  /**
   * Whether the actor may make credentials for this client at all is the caller's to check; here its own bounds are.
   * @throws Problem 403 `access_denied`, 400 `validation_failed` with errors by wire name
   */
  create(actor: Actor, fields: Omit<NewClientCredential, 'kind'>, key: NewKey): Promise<MadeSigningSecret>
  /**
   * @param x the new public key, for one with Ed25519
   * @throws Problem 404, 409 `conflict` when it has ended, 403, 400
   */
  rotate(actor: Actor, id: string, rotation?: Rotation, x?: string): Promise<MadeSigningSecret>
  /** The first use of a key that waited: it counts from now on, and the grace of the old one begins. Once. */
  activate(actor: Actor, id: string, keyId: string): Promise<void>
}

export interface SigningSecretDeps extends BoundsDeps {
  readonly keyring: Keyring
  readonly clientCredentials: Pick<ClientCredentials, 'create' | 'renew'>
}

/** Somebody else was first: nothing is changed, and nothing is written about it. */
class NothingToDo extends Error {}

export function createSigningSecrets(deps: SigningSecretDeps): SigningSecrets {
  const { db, keyring, clientCredentials } = deps

  async function checkMayRotate(actor: Actor, id: string, rotation: Rotation): Promise<SigningMaterial> {
    const before = await findClientCredential(db, id)
    if (before?.kind !== SIGNING_SECRET) throw notFound()
    refuseReplacedSecret(actor)
    if (!(await isWithinMaker(deps, actor.identity, before)))
      throw new Problem(403, 'access_denied', 'The credential that asks may do less than this one.')
    const mistakes = rotationMistakes(rotation, await databaseTime(db))
    if (mistakes.length > 0) throw validationFailed(mistakes)
    return signingMaterial(before)
  }

  return {
    async create(actor, fields, key) {
      const { stored, secret } = await makeKey(keyring, key)
      const material: SigningMaterial = {
        algorithm: key.algorithm,
        current: stored,
        pending: null,
        retired: [],
      }
      const credential = await clientCredentials.create(actor, { ...fields, kind: SIGNING_SECRET }, () => ({
        material: { ...material },
        detail: { algorithm: key.algorithm },
      }))
      return { credential, ...(secret !== undefined && { secret }) }
    },

    async rotate(actor, id, rotation = {}, x) {
      const { algorithm } = await checkMayRotate(actor, id, rotation)
      const { stored, secret } = await makeKey(keyring, newKeyFor(algorithm, x))
      const credential = await clientCredentials.renew(actor, id, 'rotated', (row, now) => {
        if (row.quarantined_at !== null && !rotation.immediately) throw cannotRotate('quarantined')
        const before = signingMaterial(row)
        const isTaken = [before.current, before.pending, ...before.retired].some(
          known => known?.x !== undefined && known.x === stored.x,
        )
        if (isTaken)
          throw validationFailed([{ path: 'public_key', message: 'was its key before: make a new one' }])
        return {
          material: { ...replaced(before, stored, rotation, now) },
          detail: {
            ...(rotation.immediately && { immediately: true }),
            ...(rotation.retireAt && { retire_at: rotation.retireAt.toISOString() }),
          },
        }
      })
      return { credential, ...(secret !== undefined && { secret }) }
    },

    async activate(actor, id, keyId) {
      try {
        await clientCredentials.renew(actor, id, 'rotation_completed', (row, now) => {
          const before = signingMaterial(row)
          if (before.pending?.id !== keyId) throw new NothingToDo()
          const { since: _since, grace_seconds: grace, ...current } = before.pending
          const until = new Date(now.getTime() + grace * 1000)
          return {
            material: {
              ...before,
              current,
              pending: null,
              retired: remembered(before, [retire(before.current, until)]),
            },
          }
        })
      } catch (error) {
        // It was good when it was judged: that it has ended meanwhile is not this request's affair.
        const hasEnded = error instanceof Problem && (error.status === 404 || error.status === 409)
        if (!hasEnded && !(error instanceof NothingToDo)) throw error
      }
    },
  }
}

function newKeyFor(algorithm: SigningMaterial['algorithm'], x: string | undefined): NewKey {
  const mistake = (message: string) => validationFailed([{ path: 'public_key', message }])
  if (algorithm === 'hmac-sha256') {
    if (x !== undefined) throw mistake('is not for one with a secret: that is made here')
    return { algorithm }
  }
  if (x === undefined) throw mistake('is missing: send the new one')
  return { algorithm, x }
}

function retire(key: SigningMaterial['current'], until: Date): RetiredKey {
  const { id, sealed, last4, x } = key
  return {
    id,
    ...(sealed !== undefined && { sealed }),
    ...(last4 !== undefined && { last4 }),
    ...(x !== undefined && { x }),
    until: until.toISOString(),
  }
}

const remembered = ({ retired }: SigningMaterial, newest: readonly RetiredKey[]) =>
  [...newest, ...retired].slice(0, REMEMBERED)

/** As in minted-rotation.ts. What ends at once ends with everything before it that is in its grace still. */
function replaced(
  before: SigningMaterial,
  fresh: SigningMaterial['current'],
  { graceSeconds = USUAL_GRACE, retireAt, immediately }: Rotation,
  now: Date,
): SigningMaterial {
  // A key that was never used: nobody needs time to get used to its end.
  const unused = before.pending ? [retire(before.pending, now)] : []
  if (!retireAt && !immediately)
    return {
      ...before,
      pending: { ...fresh, since: now.toISOString(), grace_seconds: graceSeconds },
      retired: remembered(before, unused),
    }
  const retired = before.retired.map(old =>
    immediately && new Date(old.until) > now ? { ...old, until: now.toISOString() } : old,
  )
  return {
    ...before,
    current: fresh,
    pending: null,
    retired: remembered({ ...before, retired }, [retire(before.current, retireAt ?? now), ...unused]),
  }
}
