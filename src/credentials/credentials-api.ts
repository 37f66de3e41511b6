/** `/v1/credentials/self`: whoever holds a credential, of whatever kind, may learn what it is worth now. */
import { ANY_CREDENTIAL } from '../http/api-route.ts'
import { apiRoute } from './api-caller.ts'
import { identityAnswer, identityJson } from './identity-json.ts'

export function credentialRoutes() {
  return [
    apiRoute({
      method: 'get',
      path: '/v1/credentials/self',
      summary: 'Who this credential says you are, and what it may do now',
      scope: ANY_CREDENTIAL,
      status: 200,
      response: identityAnswer,
      answer: async ({ caller }) => identityJson(caller),
    }),
  ]
}
