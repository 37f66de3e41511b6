/** `/v1/credentials/self`: whoever holds a credential, of whatever kind, may learn what it is worth now, and end it. */
import { ANY_CREDENTIAL } from '../http/api-route.ts'
import { sourceOf } from '../http/context.ts'
import { apiRoute } from './api-caller.ts'
import { type EndCredentialDeps, endings } from './end-credential.ts'
import { identityAnswer, identityJson } from './identity-json.ts'

export function credentialRoutes(deps: EndCredentialDeps) {
  const endOf = endings(deps)
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
    apiRoute({
      method: 'delete',
      path: '/v1/credentials/self',
      summary: 'End this credential',
      scope: ANY_CREDENTIAL,
      status: 204,
      revokes: true,
      async answer({ caller, ctx }) {
        const end = endOf[caller.kind]
        if (!end) throw new Error(`a credential of the kind ${caller.kind} cannot end itself`)
        await end(caller, sourceOf(ctx))
      },
    }),
  ]
}
