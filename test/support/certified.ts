// Clients that show certificates, as a trusted proxy tells of them (RFC 9440), and what they are given.
import type { TestApp } from './app.ts'
import {
  answer,
  authorizationRequest,
  type FlowClient,
  protocolPost,
  redirectOf,
  type TokenResponse,
} from './authorization.ts'
import { WRITTEN_BY } from './certificate-headers.ts'
import type { Holder } from './certificates.ts'

/** Settings of a server that believes this machine about certificates. */
export const BEHIND_PROXY = { TRUSTED_PROXIES: '127.0.0.1/32', CLIENT_CERTIFICATE_HEADER: 'rfc9440' }

/** What the proxy adds to a request; nothing for somebody who showed none. */
export const shown = (holder: Holder | undefined): Record<string, string> =>
  holder ? { ...WRITTEN_BY.rfc9440(holder) } : {}

export const certifiedPost = (
  { issuer }: Pick<TestApp, 'issuer'>,
  holder: Holder | undefined,
  client: FlowClient,
  params: Record<string, string>,
  path = '/token',
): Promise<TokenResponse> => protocolPost(issuer, path, client, params, shown(holder))

/** A person's tokens, by the code flow. */
export async function certifiedCodeFlow(
  app: TestApp,
  holder: Holder | undefined,
  client: FlowClient,
  params: Record<string, string>,
): Promise<TokenResponse> {
  const agent = app.agent()
  const { url, verifier } = authorizationRequest(app.issuer, client, params)
  const redirect = redirectOf(await answer(agent, await agent.get(url)))
  return certifiedPost(app, holder, client, {
    grant_type: 'authorization_code',
    code: redirect.get('code') ?? '',
    redirect_uri: client.redirect_uris?.[0] ?? '',
    code_verifier: verifier,
  })
}
