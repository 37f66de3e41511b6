/** The library's storage: one store per model. A model without one belongs to a feature that is off. */
import { type Adapter, type AdapterFactory, Provider } from 'oidc-provider'
import type { VerifyJwtAccessToken } from '../credentials/jwt-access-token.ts'
import type { OidcDeps } from './deps.ts'
import { asAnswer } from './outage.ts'
import { accessTokenStore } from './stores/access-token-store.ts'
import { authorizationCodeStore } from './stores/authorization-code-store.ts'
import { clientCredentialsStore } from './stores/client-credentials-store.ts'
import { clientStore } from './stores/client-store.ts'
import { deviceCodeStore } from './stores/device-code-store.ts'
import { grantStore } from './stores/grant-store.ts'
import { interactionStore } from './stores/interaction-store.ts'
import { pushedAuthorizationRequestStore } from './stores/pushed-authorization-request-store.ts'
import { refreshTokenStore } from './stores/refresh-token-store.ts'
import { replayDetectionStore } from './stores/replay-detection-store.ts'
import { sessionStore } from './stores/session-store.ts'
import { type Store, toAdapter } from './stores/store.ts'

/**
 * In the library's own requests an outage is told in its words (outage.ts). Our pages use the library's models too: there
 * http/respond.ts knows what to say.
 */
function answeringOutages(adapter: Adapter): Adapter {
  return new Proxy(adapter, {
    get(target, name, receiver) {
      const operation: unknown = Reflect.get(target, name, receiver)
      if (typeof operation !== 'function') return operation
      return async (...args: unknown[]) => {
        try {
          return await operation.apply(target, args)
        } catch (error) {
          throw Provider.ctx ? asAnswer(error) : error
        }
      }
    },
  })
}

export function createAdapter(deps: OidcDeps, verifyJwt: VerifyJwtAccessToken): AdapterFactory {
  const stores: Readonly<Record<string, () => Store>> = {
    AccessToken: () => accessTokenStore(deps, 'AccessToken', verifyJwt),
    AuthorizationCode: () => authorizationCodeStore(deps),
    Client: () => clientStore(deps),
    ClientCredentials: () => clientCredentialsStore(deps, verifyJwt),
    DeviceCode: () => deviceCodeStore(deps),
    Grant: () => grantStore(deps),
    Interaction: () => interactionStore(deps),
    PushedAuthorizationRequest: () => pushedAuthorizationRequestStore(deps),
    RefreshToken: () => refreshTokenStore(deps),
    ReplayDetection: () => replayDetectionStore(deps),
    Session: () => sessionStore(deps),
  }
  return model => {
    const store = stores[model]
    if (!store) throw new Error(`nothing is stored for ${model}: its feature is off`)
    const { wrapStore = (_model, own) => own } = deps
    return answeringOutages(toAdapter(model, wrapStore(model, store())))
  }
}
