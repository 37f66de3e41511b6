/** Code to begin with, for a client that was just registered: everything in it is as this server knows it. */
import type { ShownClient } from '../clients/client-list.ts'
import { applicationKindOf } from './application-kind.ts'

interface Registered {
  readonly issuer: string
  readonly client: ShownClient
  /** Shown this once; undefined for a public client. */
  readonly secret?: string | undefined
}

export function snippetOf(registered: Registered): string {
  return SNIPPETS[applicationKindOf(registered.client)](registered)
}

const SNIPPETS = { web_server, single_page, mobile, command_line, device, service } as const

/** In single quotes, for JavaScript. */
const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`
/** In single quotes, for a shell. */
const shell = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

/** The first resource of the ceiling and its scopes: a token is for one. */
function firstCeiling({ ceiling }: ShownClient): { resource: string; scopes: string[] } | undefined {
  const [first] = ceiling
  return first && { resource: first[0], scopes: [...first[1]] }
}

const scopeOf = (client: ShownClient) => ['openid', ...(firstCeiling(client)?.scopes ?? [])].join(' ')

/** Parameters of a request, as lines of an object literal. */
function parameters(client: ShownClient): string {
  const resource = firstCeiling(client)?.resource
  const lines = [`  scope: ${quoted(scopeOf(client))},`]
  if (resource !== undefined) lines.push(`  resource: ${quoted(resource)},`)
  return lines.join('\n')
}

const redirectUri = ({ redirectUris }: ShownClient) => quoted(redirectUris[0] ?? '')

/** Libraries refuse plain http unless told. */
const insecure = (issuer: string, text: string) => (issuer.startsWith('http:') ? text : '')

function web_server(registered: Registered): string {
  return `import { env } from 'node:process'
${withOpenidClient(registered, 'oidc.ClientSecretBasic(env.CLIENT_SECRET)')}`
}

function command_line(registered: Registered): string {
  return withOpenidClient(registered, 'oidc.None()')
}

function discovery(issuer: string, client: ShownClient, clientAuthentication: string): string {
  const lax = insecure(issuer, ',\n  { execute: [oidc.allowInsecureRequests] }')
  return `import * as oidc from 'openid-client'

const config = await oidc.discovery(
  new URL(${quoted(issuer)}),
  ${quoted(client.clientId)},
  undefined,
  ${clientAuthentication}${lax},
)`
}

function withOpenidClient({ issuer, client }: Registered, clientAuthentication: string): string {
  return `${discovery(issuer, client, clientAuthentication)}

// To sign somebody in: keep verifier and state in their session, and redirect to url.
const verifier = oidc.randomPKCECodeVerifier()
const state = oidc.randomState()
const url = oidc.buildAuthorizationUrl(config, {
  redirect_uri: ${redirectUri(client)},
${parameters(client)}
  state,
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})

// At the redirect URI: currentUrl is the address of the request.
const tokens = await oidc.authorizationCodeGrant(config, currentUrl, {
  pkceCodeVerifier: verifier,
  expectedState: state,
})`
}

function single_page({ issuer, client }: Registered): string {
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
${parameters(client)}
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
  const resource = firstCeiling(client)?.resource
  return [
    `discovery     ${issuer}/.well-known/openid-configuration`,
    `client_id     ${client.clientId}`,
    `redirect_uri  ${client.redirectUris[0] ?? ''}`,
    `scope         ${scopeOf(client)}`,
    ...(resource === undefined ? [] : [`resource      ${resource}`]),
    'response_type code, with PKCE (S256), in the browser of the system',
  ].join('\n')
}

function device({ issuer, client }: Registered): string {
  return `${discovery(issuer, client, 'oidc.None()')}

const started = await oidc.initiateDeviceAuthorization(config, {
${parameters(client)}
})

// Show them the address started.verification_uri and the code started.user_code. This waits until they have allowed it.
const tokens = await oidc.pollDeviceAuthorizationGrant(config, started)`
}

function service({ issuer, client, secret = 'CLIENT_SECRET' }: Registered): string {
  const first = firstCeiling(client)
  const resource = first ? ` \\\n  --data-urlencode resource=${shell(first.resource)}` : ''
  return `curl ${issuer}/token \\
  -u ${shell(`${client.clientId}:${secret}`)} \\
  -d grant_type=client_credentials${resource}`
}
