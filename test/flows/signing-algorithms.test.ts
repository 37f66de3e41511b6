// What a resource and a client chose to have their tokens signed with, as relying parties and APIs see it: through the
// published keys, each in every combination.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createRemoteJWKSet, decodeProtectedHeader, importJWK, jwtVerify, SignJWT } from 'jose'
import * as openid from 'openid-client'
import { appendChange } from '../../src/db/change-log.ts'
import { listSigningKeys, SIGNING_KEY_CHANGE } from '../../src/keys/signing-keys.ts'
import { SIGNING_ALGS, type SigningAlg } from '../../src/secrets/signing-alg.ts'
import type { Agent } from '../support/agent.ts'
import { type Caller, sessionOf } from '../support/api-callers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { answer, codeFlow, redirectOf } from '../support/authorization.ts'
import { parse } from '../support/html.ts'
import { CALLBACK, ordersFile } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { storeSigningKey } from '../support/signing-key.ts'

const SECRET = 'signing-algorithms-secret-for-tests-0123456789'
const BYE = 'http://127.0.0.1:8080/bye'

const apiOf = (alg: SigningAlg) => `https://${alg.toLowerCase()}.example.com`
const clientOf = (alg: SigningAlg) => ({
  client_id: `client-${alg}`,
  client_secret: SECRET,
  organization: 'acme',
  redirect_uris: [CALLBACK],
  post_logout_redirect_uris: [BYE],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  resource_scopes: Object.fromEntries(SIGNING_ALGS.map(one => [apiOf(one), ['read']])),
  introspect: SIGNING_ALGS.map(apiOf),
  id_token_signed_response_alg: alg,
})

const file = {
  ...ordersFile,
  resources: SIGNING_ALGS.map(alg => ({
    identifier: apiOf(alg),
    name: `API with ${alg}`,
    organization: 'acme',
    token_signing_alg: alg,
    scopes: { read: { description: 'Read it' } },
  })),
  roles: [],
  accounts: ordersFile.accounts.map(({ roles: _roles, ...account }) => account),
  clients: SIGNING_ALGS.map(clientOf),
}

let app: TestApp
let published: ReturnType<typeof createRemoteJWKSet>
let parties: ReadonlyMap<SigningAlg, openid.Configuration>
beforeAll(async () => {
  app = await startApp({}, file)
  published = createRemoteJWKSet(new URL(`${app.issuer}/jwks`))
  parties = new Map(await Promise.all(SIGNING_ALGS.map(async alg => [alg, await partyOf(alg)] as const)))
})
afterAll(() => app?.close())

/** A relying party that takes ID tokens of this algorithm only, and checks their signatures. */
function partyOf(alg: SigningAlg): Promise<openid.Configuration> {
  const metadata = { id_token_signed_response_alg: alg }
  return openid.discovery(
    new URL(app.issuer),
    clientOf(alg).client_id,
    metadata,
    openid.ClientSecretBasic(SECRET),
    {
      execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks],
    },
  )
}

function party(alg: SigningAlg): openid.Configuration {
  const found = parties.get(alg)
  if (!found) throw new Error(`no relying party for ${alg}`)
  return found
}

/** As ada, in a browser without a screen. */
async function signIn(configuration: openid.Configuration, resource: string) {
  const pkceCodeVerifier = openid.randomPKCECodeVerifier()
  const [expectedState, expectedNonce] = [openid.randomState(), openid.randomNonce()]
  const url = openid.buildAuthorizationUrl(configuration, {
    redirect_uri: CALLBACK,
    scope: 'openid profile read',
    resource,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
  })
  const agent = app.agent()
  const { location = '' } = await answer(agent, await agent.get(url.href))
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
  return openid.authorizationCodeGrant(configuration, new URL(location), checks, { resource })
}

/** As an API that takes this one algorithm. */
const judge = (jwt: string | undefined, alg: SigningAlg) =>
  jwtVerify(jwt ?? '', published, {
    issuer: app.issuer,
    audience: apiOf(alg),
    typ: 'at+jwt',
    algorithms: [alg],
  })

const combinations = SIGNING_ALGS.flatMap(ofResource =>
  SIGNING_ALGS.map(ofClient => ({ ofResource, ofClient })),
)

describe.each(combinations)('access tokens with $ofResource, ID tokens with $ofClient', pair => {
  const { ofResource, ofClient } = pair

  test('code, userinfo, refresh, introspection', async () => {
    const configuration = party(ofClient)
    const first = await signIn(configuration, apiOf(ofResource))
    const renewed = await openid.refreshTokenGrant(configuration, first.refresh_token ?? '', {
      resource: apiOf(ofResource),
    })
    for (const tokens of [first, renewed]) {
      const { sub = '' } = tokens.claims() ?? {}
      expect((await judge(tokens.access_token, ofResource)).payload).toMatchObject({ sub, scope: 'read' })
      const { protectedHeader } = await jwtVerify(tokens.id_token ?? '', published, {
        issuer: app.issuer,
        audience: clientOf(ofClient).client_id,
      })
      expect(protectedHeader.alg).toBe(ofClient)
      expect(await openid.fetchUserInfo(configuration, tokens.access_token, sub)).toMatchObject({
        name: 'Ada Lovelace',
      })
      expect(await openid.tokenIntrospection(configuration, tokens.access_token)).toMatchObject({
        active: true,
        sub,
        aud: apiOf(ofResource),
      })
    }
    await openid.tokenRevocation(configuration, renewed.access_token)
    expect(await openid.tokenIntrospection(configuration, renewed.access_token)).toEqual({ active: false })
  })

  test('client credentials', async () => {
    const tokens = await openid.clientCredentialsGrant(party(ofClient), { resource: apiOf(ofResource) })
    expect((await judge(tokens.access_token, ofResource)).payload).toMatchObject({
      sub: clientOf(ofClient).client_id,
    })
    const answered = await fetch(`${app.issuer}/v1/credentials/self`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    expect(answered.status).toBe(200)
  })
})

test('a library that knows nothing of the client takes each of them, by what discovery says', async () => {
  for (const alg of SIGNING_ALGS) {
    const { client_id: id } = clientOf(alg)
    const plain = await openid.discovery(new URL(app.issuer), id, SECRET, undefined, {
      execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks],
    })
    const { id_token: jwt = '' } = await signIn(plain, apiOf('ES256'))
    expect(decodeProtectedHeader(jwt).alg).toBe(alg)
  }
})

describe('keys that are not current', () => {
  test('are published, sign nothing, and what they have signed is taken', async () => {
    await Promise.all(
      SIGNING_ALGS.map(alg => storeSigningKey(app.db, app.keyring, { alg, state: 'previous' })),
    )
    const keys = await listSigningKeys(app.db, app.keyring)
    const current = keys.filter(({ state }) => state === 'current').map(({ kid }) => kid)
    const others = keys.filter(({ state }) => state !== 'current')
    expect(others.map(({ state }) => state).sort()).toEqual([
      ...SIGNING_ALGS.map(() => 'next'),
      ...SIGNING_ALGS.map(() => 'previous'),
    ])
    await appendChange(app.db, SIGNING_KEY_CHANGE, {})
    const kidsAt = async () => {
      const { keys } = (await (await fetch(`${app.issuer}/jwks`)).json()) as { keys: { kid: string }[] }
      return keys.map(({ kid }) => kid)
    }
    await until('all keys are published', async () => (await kidsAt()).length === 9)
    expect((await kidsAt()).slice(0, 3)).toEqual(current)
    expect(new Set(await kidsAt())).toEqual(new Set([...current, ...others.map(({ kid }) => kid)]))

    for (const alg of SIGNING_ALGS) {
      const configuration = party(alg)
      const tokens = await signIn(configuration, apiOf(alg))
      for (const jwt of [tokens.access_token, tokens.id_token ?? ''])
        expect(current).toContain(decodeProtectedHeader(jwt).kid)
      const { payload } = await judge(tokens.access_token, alg)
      for (const { kid, privateJwk } of others.filter(key => key.alg === alg)) {
        const jwt = await new SignJWT(payload)
          .setProtectedHeader({ alg, kid, typ: 'at+jwt' })
          .sign(await importJWK(privateJwk))
        expect((await openid.tokenIntrospection(configuration, jwt)).active).toBe(true)
      }
    }
  })
})

describe('choosing another algorithm', () => {
  let ada: Caller
  beforeAll(async () => {
    ada = await sessionOf(app, 'ada')
  })
  const client = clientOf('ES256')
  const oneOf = (kind: 'clients' | 'resources', id: string) => `/v1/${kind}/${encodeURIComponent(id)}`

  test('a resource: tokens from now on; those signed before stay good', async () => {
    const api = apiOf('ES256')
    const issue = async () =>
      (await openid.clientCredentialsGrant(party('ES256'), { resource: api })).access_token
    const before = await issue()
    for (const alg of ['RS256', 'EdDSA', 'ES256'] as const) {
      const changed = await ada.call('PATCH', oneOf('resources', api), { token_signing_alg: alg })
      expect([changed.status, changed.json().token_signing_alg]).toEqual([200, alg])
      await until(
        `tokens are signed with ${alg}`,
        async () => decodeProtectedHeader(await issue()).alg === alg,
      )
      expect(await openid.tokenIntrospection(party('ES256'), before)).toMatchObject({
        active: true,
        aud: api,
      })
    }
  })

  test('a client: ID tokens from now on; one signed before still says who signs out', async () => {
    const agents: [Agent, string][] = []
    for (const alg of ['RS256', 'EdDSA', 'ES256'] as const) {
      const changed = await ada.call('PATCH', oneOf('clients', client.client_id), {
        id_token_signed_response_alg: alg,
      })
      expect([changed.status, changed.json().id_token_signed_response_alg]).toEqual([200, alg])
      await until(`ID tokens are signed with ${alg}`, async () => {
        const agent = app.agent()
        const params = { scope: 'openid read', resource: apiOf('ES256') }
        const { token } = await codeFlow(app.issuer, agent, client, { params })
        const hint = token.body.id_token ?? ''
        if (decodeProtectedHeader(hint).alg !== alg) return false
        agents.push([agent, hint])
        return true
      })
    }
    for (const [agent, hint] of agents) {
      const silent = new URLSearchParams({
        client_id: client.client_id,
        redirect_uri: CALLBACK,
        response_type: 'code',
        scope: 'openid',
        prompt: 'none',
        id_token_hint: hint,
        code_challenge: await openid.calculatePKCECodeChallenge(openid.randomPKCECodeVerifier()),
        code_challenge_method: 'S256',
      })
      const answered = redirectOf(await agent.get(`/authorize?${silent}`))
      expect([answered.get('error'), answered.has('code')]).toEqual([null, true])
      const leaving = new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: BYE })
      const page = await agent.get(`/end_session?${leaving}`)
      expect([page.status, parse(page.text).text]).toEqual([200, expect.stringContaining(client.client_id)])
      expect((await agent.submit(page, {}, { button: 'Sign out' })).location).toBe(BYE)
    }
  })

  test.each([['HS256'], ['none'], ['PS256'], ['ES384'], ['Ed25519'], ['rs256'], [''], [null], [5]])(
    'not %j',
    async alg => {
      const paths = [
        await ada.call('PATCH', oneOf('resources', apiOf('ES256')), { token_signing_alg: alg }),
        await ada.call('PATCH', oneOf('clients', client.client_id), { id_token_signed_response_alg: alg }),
        await ada.call('POST', '/v1/resources', {
          identifier: 'https://new.example.com',
          name: 'New',
          token_signing_alg: alg,
        }),
        await ada.call('POST', '/v1/clients', {
          client_name: 'New',
          application_kind: 'service',
          id_token_signed_response_alg: alg,
        }),
      ].map(({ status, json }) => [status, (json().errors as { path: string }[])[0]?.path])
      expect(paths).toEqual([
        [400, 'token_signing_alg'],
        [400, 'id_token_signed_response_alg'],
        [400, 'token_signing_alg'],
        [400, 'id_token_signed_response_alg'],
      ])
    },
  )
})
