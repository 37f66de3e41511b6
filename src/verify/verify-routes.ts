/** `POST /v1/verify`, as the JSON API declares it. */
import { apiRoute } from '../credentials/api-caller.ts'
import { type VerifyDeps, verify } from './verify.ts'
import { verifyAnswer, verifyBody } from './verify-schema.ts'

export function verifyRoutes(deps: VerifyDeps) {
  return [
    apiRoute({
      method: 'post',
      path: '/v1/verify',
      summary: 'Decide about a credential or a whole request, and get the answer to relay when it is refused',
      scope: 'verify',
      body: verifyBody,
      response: verifyAnswer,
      status: 200,
      answer: ({ caller, body, ctx }) => verify(deps, { caller, requestId: ctx.state.requestId }, body),
    }),
  ]
}
