/**
 * What the library wants to see once only: DPoP proofs and client assertions. It looks first and writes then; here the
 * write decides, and the second one is refused (see `refuseReplays`).
 */
import type { Provider } from 'oidc-provider'
import { rememberOnce } from '../../credentials/replay.ts'
import type { OidcDeps } from '../deps.ts'
import type { Store } from './store.ts'

/** Seconds. The library always says how long; if it ever does not, a day is longer than anything it asks about. */
const LONGEST = 86_400

class SeenBefore extends Error {}

export function replayDetectionStore({ db }: OidcDeps): Store {
  return {
    find: async () => undefined,
    async upsert(id, _payload, expiresIn) {
      // The id is the SHA-256 of who says it and its `jti`.
      if (!(await rememberOnce(db, Buffer.from(id, 'base64url'), expiresIn ?? LONGEST)))
        throw new SeenBefore()
    },
  }
}

/** The library asks `unique` and chooses the error by the endpoint: a write that was refused is its "no". */
export function refuseReplays(provider: Provider): void {
  const { ReplayDetection } = provider
  const unique = ReplayDetection.unique.bind(ReplayDetection)
  ReplayDetection.unique = async (...proof) => {
    try {
      return await unique(...proof)
    } catch (error) {
      if (error instanceof SeenBefore) return false
      throw error
    }
  }
}
