// Access tokens that are bound to a DPoP key, from the real endpoints, and how they are shown.
import { createDpopNonces } from '../../src/oidc/dpop.ts'
import type { Agent } from './agent.ts'
import type { TestApp } from './app.ts'
import {
  answer,
  authorizationRequest,
  type FlowClient,
  type Person,
  protocolPost,
  redirectOf,
  type TokenResponse,
} from './authorization.ts'
import type { ProofKey } from './dpop.ts'

/** A nonce that is good now, on this server. */
export const nonceOf = ({ keyring }: Pick<TestApp, 'keyring'>): string => createDpopNonces(keyring).next()

/** A form posted to /token with a proof. */
export async function boundTokenPost(
  app: TestApp,
  client: FlowClient,
  key: ProofKey,
  params: Record<string, string>,
): Promise<TokenResponse> {
  const proof = await key.proof({ method: 'POST', url: `${app.issuer}/token`, nonce: nonceOf(app) })
  return protocolPost(app.issuer, '/token', client, params, { DPoP: proof })
}

/** A person's tokens, by the code flow. */
export async function boundCodeFlow(
  app: TestApp,
  agent: Agent,
  client: FlowClient,
  key: ProofKey,
  { params, person }: { params: Record<string, string>; person?: Person },
): Promise<TokenResponse> {
  const { url, verifier } = authorizationRequest(app.issuer, client, params)
  const redirect = redirectOf(await answer(agent, await agent.get(url), person))
  return boundTokenPost(app, client, key, {
    grant_type: 'authorization_code',
    code: redirect.get('code') ?? '',
    redirect_uri: client.redirect_uris?.[0] ?? '',
    code_verifier: verifier,
  })
}

/** The headers of a request with a bound token; `change` spoils the proof. */
export async function showBound(
  app: TestApp,
  key: ProofKey,
  token: string,
  {
    method = 'GET',
    path = '/v1/credentials/self',
    url = `${app.issuer}${path}`,
    ...change
  }: { method?: string; path?: string; url?: string } & Partial<Parameters<ProofKey['proof']>[0]> = {},
): Promise<{ authorization: string; dpop: string }> {
  const proof = await key.proof({ method, url, token, nonce: nonceOf(app), ...change })
  return { authorization: `DPoP ${token}`, dpop: proof }
}
