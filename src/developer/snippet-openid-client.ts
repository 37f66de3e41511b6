/** Code to begin with that uses openid-client: what a client has to do (a key of its own, PAR, DPoP) is in it. */
import type { ShownClient } from '../clients/client-list.ts'
import { CERTIFICATE_METHODS } from '../clients/client-schema.ts'
import { authorizationParameters, insecure, quoted, type Registered, resourceOf } from './snippet-parts.ts'

export function signInSnippet({ issuer, client }: Registered): string {
  const build = client.requirePushedAuthorizationRequests
    ? 'await oidc.buildAuthorizationUrlWithPAR'
    : 'oidc.buildAuthorizationUrl'
  const checks = `{
  pkceCodeVerifier: verifier,
  expectedState: state,
}`
  return `${discovery(issuer, client)}

// To sign somebody in: keep verifier and state in their session, and redirect to url.
const verifier = oidc.randomPKCECodeVerifier()
const state = oidc.randomState()
const url = ${build}(config, {
  redirect_uri: ${quoted(client.redirectUris[0] ?? '')},
${authorizationParameters(client)}
  state,
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})

// At the redirect URI: currentUrl is the address of the request.
const tokens = await oidc.authorizationCodeGrant(config, currentUrl, ${checks}${bound(client, ', undefined, { DPoP }')})`
}

export function deviceSnippet({ issuer, client }: Registered): string {
  return `${discovery(issuer, client)}

const started = await oidc.initiateDeviceAuthorization(config, {
${authorizationParameters(client)}
})

// Show them the address started.verification_uri and the code started.user_code. This waits until they have allowed it.
const tokens = await oidc.pollDeviceAuthorizationGrant(config, started${bound(client, ', undefined, { DPoP }')})`
}

export function serviceSnippet({ issuer, client }: Registered): string {
  const resource = resourceOf(client)
  const parameters = resource === undefined ? '{}' : `{ resource: ${quoted(resource)} }`
  return `${discovery(issuer, client)}

const tokens = await oidc.clientCredentialsGrant(config, ${parameters}${bound(client, ', { DPoP }')})`
}

const bound = (client: ShownClient, text: string) => (client.dpopBoundAccessTokens ? text : '')

function discovery(issuer: string, client: ShownClient): string {
  const { imports, before, authentication } = authenticationOf(client)
  const lax = insecure(issuer, ',\n  { execute: [oidc.allowInsecureRequests] }')
  const found = `const config = await oidc.discovery(
  new URL(${quoted(issuer)}),
  ${quoted(client.clientId)},
  ${showsCertificate(client) ? '{ use_mtls_endpoint_aliases: true }' : 'undefined'},
  ${authentication}${lax},
)${showsCertificate(client) ? CONNECTING : ''}`
  const dpop = `

// Its tokens are bound to this key: keep it as long as they are used.
const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))`
  const connecting = showsCertificate(client) ? ["import { Agent, fetch } from 'undici'"] : []
  const modules = new Set([...imports, ...(connecting.length > 0 ? [ENV] : [])])
  return `${[...modules, "import * as oidc from 'openid-client'", ...connecting].join('\n')}

${before}${found}${bound(client, dpop)}`
}

const ENV = "import { env } from 'node:process'"

const showsCertificate = (client: ShownClient) =>
  client.tlsClientCertificateBoundAccessTokens ||
  CERTIFICATE_METHODS.some(method => method === client.tokenEndpointAuthMethod)

/** What Node's own fetch cannot do. */
const CONNECTING = `

// Shown when it connects to this server, and to the APIs it has tokens for: both in PEM.
const dispatcher = new Agent({
  connect: { cert: env.CLIENT_CERTIFICATE, key: env.CLIENT_CERTIFICATE_KEY },
})
config[oidc.customFetch] = (url, options) => fetch(url, { ...options, dispatcher })`

function authenticationOf(client: ShownClient): {
  imports: string[]
  before: string
  authentication: string
} {
  const { tokenEndpointAuthMethod: method } = client
  if (method === 'none') return { imports: [], before: '', authentication: 'oidc.None()' }
  if (CERTIFICATE_METHODS.some(one => one === method))
    return { imports: [], before: '', authentication: 'oidc.TlsClientAuth()' }
  if (method === 'private_key_jwt') {
    const { alg, kid } = keyOf(client)
    return {
      imports: ["import { importPKCS8 } from 'jose'", ENV],
      before: `const key = await importPKCS8(env.PRIVATE_KEY, '${alg}') // PKCS #8, in PEM\n`,
      authentication: `oidc.PrivateKeyJwt(${kid === undefined ? 'key' : `{ key, kid: ${quoted(kid)} }`})`,
    }
  }
  const by = method === 'client_secret_post' ? 'ClientSecretPost' : 'ClientSecretBasic'
  return { imports: [ENV], before: '', authentication: `oidc.${by}(env.CLIENT_SECRET)` }
}

/** The first of the client's keys that signs, as far as this server knows them. */
function keyOf({ jwks, tokenEndpointAuthSigningAlg: only }: ShownClient): { alg: string; kid?: string } {
  const first = jwks?.keys.find(
    ({ kty, use }) => kty !== undefined && Object.hasOwn(ALG_OF, kty) && use !== 'enc',
  )
  const alg = only ?? first?.alg ?? ALG_OF[first?.kty as keyof typeof ALG_OF] ?? 'ES256'
  return { alg, ...(first?.kid !== undefined && { kid: first.kid }) }
}

const ALG_OF = { EC: 'ES256', OKP: 'Ed25519', RSA: 'RS256' } as const
