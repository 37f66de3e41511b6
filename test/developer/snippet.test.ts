// The code that a new client's page offers does what it says: it is run as it stands on the page.
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { decodeJwt, exportJWK, exportPKCS8, generateKeyPair, importPKCS8 } from 'jose'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import type { Agent } from '../support/agent.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { answer } from '../support/authorization.ts'
import { decide, enterCode } from '../support/devices.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { shownOnce, signedInAgent } from '../support/signed-in-agent.ts'

let app: TestApp
let ada: Agent
beforeAll(async () => {
  app = await startApp({}, ordersFile)
  ada = await signedInAgent(app, 'ada')
})
afterAll(() => app?.close())

async function register(kind: string, redirectUri: string, more: Record<string, string> = {}) {
  const form = await ada.get(`/clients/new?kind=${kind}`)
  const fields = {
    client_name: "It's ours",
    redirect_uris: redirectUri,
    scope: `${ORDERS} read:orders`,
    ...more,
  }
  const page = await ada.submit(form, fields, { button: 'Register' })
  const secret = page.text.includes('id="secret"') ? shownOnce(page) : undefined
  return { snippet: shownOnce(page, 'snippet'), secret }
}

type Run = (...values: unknown[]) => Promise<Record<string, unknown>>
const AsyncFunction = (async () => undefined).constructor as new (...text: string[]) => Run

interface World {
  readonly marker: string
  readonly library: Record<string, unknown>
  readonly names: string
  readonly env?: object
}

const withoutImports = (snippet: string) => snippet.replace(/^(?:import [^\n]+ from '[\w:-]+'\n)+/, '')

/** Runs the part before `marker`, lets Ada sign in and allow, and runs the rest. */
async function signIn(
  snippet: string,
  { marker, library, names, env }: World,
): Promise<{ access_token: string }> {
  const code = withoutImports(snippet)
  const [before = '', after = ''] = code.split(marker)
  const [prefix = ''] = Object.keys(library)
  const begun = await new AsyncFunction(prefix, 'env', 'importPKCS8', `${before}\nreturn { ${names}, url }`)(
    library[prefix],
    env,
    importPKCS8,
  )
  const back = await answer(ada, await ada.get(String(begun.url)))
  const { url: _url, ...kept } = begun
  const here = new URL(back.location ?? '')
  const run = new AsyncFunction(
    prefix,
    'currentUrl',
    'location',
    ...Object.keys(kept),
    `${after}\nreturn tokens`,
  )
  const tokens = await run(library[prefix], here, { href: here.href }, ...Object.values(kept))
  return tokens as { access_token: string }
}

it.each([
  ['web_server', 'http://127.0.0.1:8090/callback'],
  ['command_line', 'http://127.0.0.1/callback'],
])('%s', async (kind, redirectUri) => {
  const { snippet, secret } = await register(kind, redirectUri)
  const { access_token } = await signIn(snippet, {
    marker: '// At the redirect URI: currentUrl is the address of the request.',
    library: { oidc },
    names: 'config, verifier, state',
    env: { CLIENT_SECRET: secret },
  })
  expect(decodeJwt(access_token)).toMatchObject({ aud: ORDERS, scope: 'read:orders' })
})

it('single_page', async () => {
  const { snippet } = await register('single_page', 'http://127.0.0.1:8091/')
  const { access_token } = await signIn(snippet, {
    marker: '// Back at the redirect URI:',
    library: { oauth },
    names: 'server, client, verifier, state',
  })
  expect(decodeJwt(access_token)).toMatchObject({ aud: ORDERS, scope: 'read:orders' })
})

it('service', async () => {
  const { snippet } = await register('service', '')
  const [, credentials = ''] = /-u '([^']+)'/.exec(snippet) ?? []
  const [, grant = ''] = /-d (\S+)/.exec(snippet) ?? []
  const [, resource = ''] = /--data-urlencode resource='([^']+)'/.exec(snippet) ?? []
  const [, url = ''] = /^curl (\S+)/.exec(snippet) ?? []
  const body = new URLSearchParams(grant)
  body.set('resource', resource)
  const headers = { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
  const token = (await (await fetch(url, { method: 'POST', body, headers })).json()) as {
    access_token: string
  }
  expect(decodeJwt(token.access_token)).toMatchObject({ aud: ORDERS, scope: 'read:orders' })
})

/** As a developer does it: the public key goes into the form, the private one into the environment. */
async function keyPair() {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: "today's" }] }
  return {
    fields: { token_endpoint_auth_method: 'private_key_jwt', jwks: JSON.stringify(jwks) },
    env: { PRIVATE_KEY: await exportPKCS8(privateKey) },
  }
}

const BOUND = { dpop_bound_access_tokens: 'true' }

it.each([
  ['web_server', 'http://127.0.0.1:8090/callback'],
  ['single_page', 'http://127.0.0.1:8091/'],
])('%s, with requests sent ahead and tokens bound to a key', async (kind, redirectUri) => {
  const { fields, env } = await keyPair()
  const proof = kind === 'web_server' ? fields : {}
  const strict = { ...proof, ...BOUND, require_pushed_authorization_requests: 'true' }
  const { snippet, secret } = await register(kind, redirectUri, strict)
  expect(secret).toBeUndefined()
  const { access_token } = await signIn(snippet, {
    marker: '// At the redirect URI: currentUrl is the address of the request.',
    library: { oidc },
    names: 'config, DPoP, verifier, state',
    env,
  })
  expect(decodeJwt(access_token)).toMatchObject({ aud: ORDERS, cnf: { jkt: expect.anything() } })
})

it.each([
  ['', {}, undefined],
  [', tokens bound to a key', BOUND, { jkt: expect.anything() }],
])('service with a key of its own%s', async (_what, more, cnf) => {
  const { fields, env } = await keyPair()
  const { snippet } = await register('service', '', { ...fields, ...more })
  const run = new AsyncFunction('oidc', 'env', 'importPKCS8', `${withoutImports(snippet)}\nreturn tokens`)
  const { access_token } = await run(oidc, env, importPKCS8)
  expect(decodeJwt(String(access_token))).toMatchObject({ aud: ORDERS, scope: 'read:orders' })
  expect(decodeJwt(String(access_token)).cnf).toEqual(cnf)
})

it.each([
  ['', {}, undefined],
  [', tokens bound to a key', BOUND, { jkt: expect.anything() }],
])('device%s', async (_what, more, cnf) => {
  const { snippet } = await register('device', '', more)
  const [before = '', after = ''] = withoutImports(snippet).split('// Show them')
  const begin = new AsyncFunction('oidc', `${before}\nreturn { config, started${cnf ? ', DPoP' : ''} }`)
  const begun = await begin(oidc)
  await decide(ada, await enterCode(ada, (begun.started as { user_code: string }).user_code), 'allow')
  const goOn = new AsyncFunction('oidc', ...Object.keys(begun), `// ${after}\nreturn tokens`)
  const { access_token } = await goOn(oidc, ...Object.values(begun))
  expect(decodeJwt(String(access_token))).toMatchObject({ aud: ORDERS, scope: 'read:orders' })
  expect(decodeJwt(String(access_token)).cnf).toEqual(cnf)
})
