/**
 * `/v1/credentials/self`: whoever holds a credential, of whatever kind, may learn what it is worth now, and end it; a key
 * or personal token may give itself a new secret.
 */
import { z } from 'zod'
import { ANY_CREDENTIAL } from '../http/api-route.ts'
import { sourceOf } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { apiRoute } from './api-caller.ts'
import { type EndCredentialDeps, endings } from './end-credential.ts'
import { identityAnswer, identityJson } from './identity-json.ts'
import { endedByRotation, mintedJson, mintedObjectKeys, rotationBody, rotationOf } from './minted-json.ts'
import type { MintedTokens } from './minted-life-cycle.ts'

export interface CredentialRoutesDeps extends EndCredentialDeps {
  readonly minted: Pick<MintedTokens, 'revoke' | 'rotate'>
}

const rotated = z.strictObject({
  ...mintedObjectKeys,
  client_id: z.string().optional(),
  account_id: z.string().optional(),
})

/** Tokens and sessions are renewed where they come from. */
const ROTATING = new Set(['api-key', 'personal-access-token'])

export function credentialRoutes(deps: CredentialRoutesDeps) {
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
    apiRoute({
      method: 'post',
      path: '/v1/credentials/self/rotate',
      summary: 'Give this key or personal token a new secret, shown this once; its id stays',
      scope: ANY_CREDENTIAL,
      status: 200,
      body: rotationBody,
      response: rotated,
      revokes: endedByRotation,
      async answer({ caller, body, ctx }) {
        if (!ROTATING.has(caller.kind))
          throw new Problem(409, 'conflict', 'Only API keys and personal access tokens are rotated here.')
        const actor = { identity: caller, source: sourceOf(ctx) }
        const { token, secret } = await deps.minted.rotate(actor, caller.credentialId, rotationOf(body))
        const { type, id } = token.owner
        return {
          ...mintedJson(token, secret),
          ...(type === 'client' ? { client_id: id } : { account_id: id }),
        }
      },
    }),
  ]
}
