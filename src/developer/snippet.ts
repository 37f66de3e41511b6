/** Code to begin with, for a client that was just registered: everything in it is as this server knows it. */
import type { ShownClient } from '../clients/client-list.ts'
import { type ApplicationKind, applicationKindOf } from './application-kind.ts'
import { deviceSnippet, serviceSnippet, signInSnippet } from './snippet-openid-client.ts'
import {
  authorizationParameters,
  insecure,
  quoted,
  type Registered,
  resourceOf,
  scopeOf,
} from './snippet-parts.ts'

export function snippetOf(registered: Registered): string {
  return SNIPPETS[applicationKindOf(registered.client)](registered)
}

const SNIPPETS: Readonly<Record<ApplicationKind, (registered: Registered) => string>> = {
  web_server: signInSnippet,
  // openid-client runs in browsers too, and does the rest by itself.
  single_page: registered => (isPlain(registered.client) ? singlePage : signInSnippet)(registered),
  mobile,
  command_line: signInSnippet,
  device: deviceSnippet,
  service: registered => (isByCurl(registered.client) ? curl : serviceSnippet)(registered),
}

const isPlain = (client: ShownClient) =>
  !client.requirePushedAuthorizationRequests &&
  !client.dpopBoundAccessTokens &&
  !client.tlsClientCertificateBoundAccessTokens

const isByCurl = (client: ShownClient) =>
  isPlain(client) && client.tokenEndpointAuthMethod === 'client_secret_basic'

/** In single quotes, for a shell. */
const shell = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

const redirectUri = ({ redirectUris }: ShownClient) => quoted(redirectUris[0] ?? '')

function singlePage({ issuer, client }: Registered): string {
  const option = insecure(issuer, ', { [oauth.allowInsecureRequests]: true }')
  return `import * as oauth from 'oauth4webapi'

const issuer = new URL(${quoted(issuer)})
const server = await oauth
  .discoveryRequest(issuer${option})
  .then(response => oauth.processDiscoveryResponse(issuer, response))
const client = { client_id: ${quoted(client.clientId)} }

// To sign somebody in: keep verifier and state in sessionStorage, and go to url.
const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const url = new URL(server.authorization_endpoint)
url.search = new URLSearchParams({
  client_id: client.client_id,
  response_type: 'code',
  redirect_uri: ${redirectUri(client)},
${authorizationParameters(client)}
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})

// Back at the redirect URI:
const answer = oauth.validateAuthResponse(server, client, new URL(location.href), state)
const response = await oauth.authorizationCodeGrantRequest(
  server, client, oauth.None(), answer, ${redirectUri(client)}, verifier${option},
)
const tokens = await oauth.processAuthorizationCodeResponse(server, client, response)`
}

function mobile({ issuer, client }: Registered): string {
  const resource = resourceOf(client)
  return [
    `discovery     ${issuer}/.well-known/openid-configuration`,
    `client_id     ${client.clientId}`,
    `redirect_uri  ${client.redirectUris[0] ?? ''}`,
    `scope         ${scopeOf(client)}`,
    ...(resource === undefined ? [] : [`resource      ${resource}`]),
    ...(client.requirePushedAuthorizationRequests ? ['requests sent ahead (PAR)'] : []),
    ...(client.dpopBoundAccessTokens ? ['tokens bound to a key (DPoP)'] : []),
    ...(client.tlsClientCertificateBoundAccessTokens ? ['tokens bound to a certificate (mTLS)'] : []),
    'response_type code, with PKCE (S256), in the browser of the system',
  ].join('\n')
}

function curl({ issuer, client, secret = 'CLIENT_SECRET' }: Registered): string {
  const first = resourceOf(client)
  const resource = first === undefined ? '' : ` \\\n  --data-urlencode resource=${shell(first)}`
  return `curl ${issuer}/token \\
  -u ${shell(`${client.clientId}:${secret}`)} \\
  -d grant_type=client_credentials${resource}`
}
