// The application `orders-web` of latchkey.yaml: signs a person in with openid-client and shows what it was given.
//   LATCHKEY_CONFIG=examples/latchkey.yaml npm start      in one terminal
//   node examples/orders-web.mjs                          in another; then open http://127.0.0.1:8080/
import { createServer } from 'node:http'
import * as openid from 'openid-client'

const { ISSUER = 'http://localhost:3000', PORT = '8080' } = process.env
const origin = `http://127.0.0.1:${PORT}`
const resource = 'https://api.example.com'
const authentication = openid.ClientSecretBasic('a-long-secret-for-tests-only-0123456789')
// Only because the issuer of a first try is http.
const options = { execute: [openid.allowInsecureRequests] }
const config = await openid.discovery(new URL(ISSUER), 'orders-web', undefined, authentication, options)

// What each browser has begun. An application with sessions keeps these three in the session.
const begun = new Map()

async function signIn() {
  const [state, nonce, verifier] = [
    openid.randomState(),
    openid.randomNonce(),
    openid.randomPKCECodeVerifier(),
  ]
  begun.set(state, { nonce, verifier })
  return openid.buildAuthorizationUrl(config, {
    redirect_uri: `${origin}/callback`,
    scope: 'openid profile read:orders write:orders',
    resource,
    state,
    nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
}

async function finish(url) {
  const state = url.searchParams.get('state')
  const { nonce, verifier } = begun.get(state) ?? {}
  begun.delete(state)
  const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier }
  const tokens = await openid.authorizationCodeGrant(config, url, checks, { resource })
  return { scope: tokens.scope, id_token_claims: tokens.claims(), ...tokens }
}

async function answer(request, response) {
  const url = new URL(request.url, origin)
  if (url.pathname === '/') return response.writeHead(302, { location: (await signIn()).href }).end()
  if (url.pathname !== '/callback') return response.writeHead(404).end()
  const result = await finish(url).catch(error => ({ error: error.error ?? error.message }))
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result, null, 2))
}

createServer(answer).listen(Number(PORT), '127.0.0.1', () => process.stdout.write(`open ${origin}/\n`))
