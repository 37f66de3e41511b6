// The master secrets rotate, with a restart each: [old], then [new, old], then [new]. What exists under the old one works
// on and moves to the new one when it is used; what nobody has used meanwhile ends with the old one, and it was told.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { type Agent, createAgent } from '../support/agent.ts'
import { callerWith, sessionOf } from '../support/api-callers.ts'
import { TEST_SECRET } from '../support/app.ts'
import {
  answer,
  authorizationRequest,
  codeFlow,
  type FlowClient,
  protocolPost,
  redirectOf,
} from '../support/authorization.ts'
import { askForCodes, decide, devicesFile, enterCode, poll } from '../support/devices.ts'
import { type ProofKey, proofKey } from '../support/dpop.ts'
import { billing, CALLBACK, house, ORDERS, ordersWeb, PASSWORD, reports, STOCK } from '../support/orders.ts'
import { INITIAL_ACCESS_TOKENS, INITIAL_TOKEN, register, send } from '../support/registration.ts'
import { type ServerProcess, type Single, startServer, startSingle } from '../support/server-process.ts'
import { createMaker } from '../verify/minted.ts'

const OLD = TEST_SECRET
const NEW = Buffer.alloc(32, 8).toString('base64url')
const SETTINGS = { LOG_LEVEL: 'warn', REFRESH_GRACE: '1h', CLIENT_REGISTRATION: 'token' }

/** What one person and one program hold. */
interface Holder {
  readonly agent: Agent
  readonly refreshToken: string
  readonly accessToken: string
  readonly opaqueToken: string
  readonly apiKey: string
  readonly personalToken: string
  readonly registration: { readonly url: string; readonly token: string }
  readonly client: FlowClient
}

let first: Single
let server: ServerProcess
let issuer: string
/** Its things are used while both secrets are there. */
let ada: Holder
/** Nobody uses these until the old secret is gone. */
let bob: Holder
/** In the middle of something under the old secret. */
let underWay: {
  readonly agent: Agent
  readonly page: Awaited<ReturnType<Agent['get']>>
  readonly verifier: string
  readonly code: { readonly code: string; readonly verifier: string }
  readonly requestUri: string
  readonly pushedVerifier: string
  readonly device: Awaited<ReturnType<typeof askForCodes>>
  readonly spent: { readonly token: string; readonly successor: string }
  readonly key: ProofKey
  readonly nonce: string
}

async function restart(...secrets: string[]): Promise<void> {
  await server.end()
  const env = { ...SETTINGS, LATCHKEY_SECRETS: secrets.join() }
  const { port } = server
  server = await startServer({ databaseUrl: first.database.url, port, issuer, env })
}

const signIn = async (username: string) => {
  const agent = createAgent(issuer)
  await agent.submit(await agent.get('/sign-in'), { username, password: PASSWORD }, { button: 'Sign in' })
  return agent
}

const isSignedIn = async (agent: Agent) => (await agent.get('/account')).status === 200

async function hold(username: string, client: FlowClient): Promise<Holder> {
  const agent = await signIn(username)
  const params = { scope: 'openid offline_access read:orders', resource: ORDERS, prompt: 'consent' }
  const { token } = await codeFlow(issuer, agent, ordersWeb, { params, person: { username } })
  const opaque = await protocolPost(issuer, '/token', reports, {
    grant_type: 'client_credentials',
    resource: STOCK,
  })
  // Ada owns the organization of the program.
  const maker = await createMaker({ issuer, ask: server.ask }, createAgent(issuer))
  const scopes = { scopes: { [ORDERS]: ['read:orders'] } }
  const { body } = await register({ issuer }, { redirect_uris: ['https://app.example/callback'] })
  return {
    agent,
    refreshToken: token.body.refresh_token ?? '',
    accessToken: token.body.access_token ?? '',
    opaqueToken: opaque.body.access_token ?? '',
    apiKey: (await maker.key(scopes)).secret,
    personalToken: (await maker.token(scopes)).secret,
    registration: { url: body.registration_client_uri, token: body.registration_access_token },
    client,
  }
}

const redeem = (code: string, verifier: string, headers: Record<string, string> = {}) =>
  protocolPost(
    issuer,
    '/token',
    ordersWeb,
    { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier },
    headers,
  )

const refresh = (token: string) =>
  protocolPost(issuer, '/token', ordersWeb, { grant_type: 'refresh_token', refresh_token: token })

const isActive = async (token: string, client: FlowClient) =>
  (await protocolPost(issuer, '/introspect', client, { token })).body.active as unknown

const self = async (secret: string) =>
  (await callerWith({ issuer }, { 'x-api-key': secret }).call('GET', '/v1/credentials/self')).status

const managed = ({ url, token }: Holder['registration']) => send(url, 'GET', { token })

/** Everything that a holder can show, and whether it is taken. The session comes first: refresh ends nothing of it. */
const use = async (holder: Holder) => ({
  session: await isSignedIn(holder.agent),
  apiKey: (await self(holder.apiKey)) === 200,
  personalToken: (await self(holder.personalToken)) === 200,
  registration: (await managed(holder.registration)).status === 200,
  opaque: await isActive(holder.opaqueToken, reports),
  jwt: await isActive(holder.accessToken, billing),
  clientSecret:
    (await protocolPost(issuer, '/introspect', holder.client, { token: 'anything' })).status === 200,
})

const ALL = {
  session: true,
  apiKey: true,
  personalToken: true,
  registration: true,
  opaque: true,
  jwt: true,
  clientSecret: true,
}

interface Secret {
  readonly state: string
  readonly in_use: boolean
  readonly uses: readonly { readonly table: string; readonly rows: number; readonly until: string | null }[]
}

/** What `/v1/secrets` says, asked by an administrator who has just signed in. */
async function secrets(): Promise<Secret[]> {
  const root = await sessionOf({ issuer, agent: () => createAgent(issuer) }, 'root')
  const answered = await root.call('GET', '/v1/secrets')
  return answered.json().data as Secret[]
}

const tables = (secret: Secret | undefined) => new Set(secret?.uses.map(({ table }) => table))

async function beginThings(): Promise<typeof underWay> {
  const agent = createAgent(issuer)
  const begun = authorizationRequest(issuer, ordersWeb, { scope: 'openid read:orders', resource: ORDERS })
  const page = await agent.follow(await agent.get(begun.url))

  const coded = authorizationRequest(issuer, ordersWeb, { scope: 'openid read:orders', resource: ORDERS })
  const other = createAgent(issuer)
  const code = redirectOf(await answer(other, await other.get(coded.url))).get('code') ?? ''

  const pushed = authorizationRequest(issuer, ordersWeb, { scope: 'openid read:orders', resource: ORDERS })
  const sent = Object.fromEntries(new URL(pushed.url).searchParams)
  const { body } = await protocolPost(issuer, '/par', ordersWeb, sent)

  const { token } = await codeFlow(issuer, createAgent(issuer), ordersWeb, {
    params: { scope: 'openid offline_access read:orders', resource: ORDERS, prompt: 'consent' },
  })
  const spent = token.body.refresh_token ?? ''
  const key = await proofKey()
  const refused = await protocolPost(
    issuer,
    '/token',
    billing,
    { grant_type: 'client_credentials', resource: ORDERS },
    { dpop: await key.proof({ method: 'POST', url: `${issuer}/token` }) },
  )
  return {
    agent,
    page,
    verifier: begun.verifier,
    code: { code, verifier: coded.verifier },
    requestUri: body.request_uri ?? '',
    pushedVerifier: pushed.verifier,
    device: await askForCodes(issuer),
    spent: { token: spent, successor: (await refresh(spent)).body.refresh_token ?? '' },
    key,
    nonce: refused.headers.get('dpop-nonce') ?? '',
  }
}

beforeAll(async () => {
  const { accounts, ...file } = devicesFile
  const people = [...accounts, { username: 'root', name: 'Root', password: PASSWORD, admin: true }]
  first = await startSingle(
    { ...file, accounts: people, initial_access_tokens: INITIAL_ACCESS_TOKENS },
    databaseUrl => ({ databaseUrl, env: SETTINGS }),
  )
  server = first.server
  issuer = server.issuer
  ada = await hold('ada', ordersWeb)
  bob = await hold('bob', house)
  underWay = await beginThings()
  // A restart may take longer than they live.
  for (const table of ['authorization_code', 'pushed_authorization_request'])
    await sql`UPDATE ${sql.table(table)} SET expires_at = expires_at + interval '1 hour'`.execute(first.db)
})
afterAll(async () => {
  await server?.end()
  await first?.close()
})

describe('with the new secret and the old one', () => {
  beforeAll(() => restart(NEW, OLD))

  test('it is told what still hangs on the old one', async () => {
    const [newest, older, ...more] = await secrets()
    expect([newest?.state, older?.state, more]).toEqual(['newest', 'older', []])
    expect(tables(older)).toEqual(
      new Set([
        'client_secret',
        'client_registration',
        'initial_access_token',
        'minted_token',
        'refresh_token',
        'session',
        'interaction',
        'pushed_authorization_request',
        'authorization_code',
        'device_code',
        'access_token',
      ]),
    )
    // They were sealed anew at the start.
    expect(tables(newest)).toContain('signing_key')
    const until = (table: string) => older?.uses.find(one => one.table === table)?.until
    expect(Date.parse(until('refresh_token') ?? '')).toBeGreaterThan(Date.now())
    expect(until('client_secret')).toBeNull()
  })

  test('what is under way goes on', async () => {
    const { agent, page, verifier, code, requestUri, pushedVerifier, device } = underWay
    const answered = redirectOf(await answer(agent, page))
    expect((await redeem(answered.get('code') ?? '', verifier)).status).toBe(200)
    expect((await redeem(code.code, code.verifier)).status).toBe(200)
    const query = new URLSearchParams({ client_id: ordersWeb.client_id, request_uri: requestUri })
    const pushed = redirectOf(await answer(agent, await agent.get(`/authorize?${query}`)))
    expect((await redeem(pushed.get('code') ?? '', pushedVerifier)).status).toBe(200)
    const browser = createAgent(issuer)
    await decide(browser, await enterCode(browser, device.user_code), 'allow')
    expect((await poll(issuer, device.device_code)).status).toBe(200)
  })

  test('a refresh token that is used again within its grace has the same successor', async () => {
    const { token, successor } = underWay.spent
    expect((await refresh(token)).body.refresh_token).toBe(successor)
    const next = (await refresh(successor)).body.refresh_token ?? ''
    expect((await refresh(next)).status).toBe(200)
  })

  test('a DPoP nonce of the old secret is good', async () => {
    const { key, nonce } = underWay
    const params = { grant_type: 'client_credentials', resource: ORDERS }
    const dpop = await key.proof({ method: 'POST', url: `${issuer}/token`, nonce })
    const { status, body } = await protocolPost(issuer, '/token', billing, params, { dpop })
    expect([status, body.token_type]).toEqual([200, 'DPoP'])
  })

  test('an initial access token registers, and everything else works', async () => {
    const metadata = { redirect_uris: ['https://another.example/callback'] }
    expect((await register({ issuer }, metadata, INITIAL_TOKEN)).status).toBe(201)
    expect(await use(ada)).toEqual(ALL)
    const { status, body } = await refresh(ada.refreshToken)
    expect(status).toBe(200)
    ada = { ...ada, refreshToken: body.refresh_token ?? '' }
  })

  test('what was used hangs on the new one, the rest on the old one', async () => {
    const hanging = async (state: string, table: string) =>
      (await secrets()).find(one => one.state === state)?.uses.find(one => one.table === table)?.rows ?? 0
    // One key and one personal token each.
    expect(await hanging('newest', 'minted_token')).toBe(2)
    expect(await hanging('older', 'minted_token')).toBe(2)
    expect(await hanging('older', 'refresh_token')).toBe(1)
    expect(await hanging('older', 'initial_access_token')).toBe(1)
    expect(await hanging('older', 'device_code')).toBe(0)
  })
})

describe('with the new secret alone', () => {
  beforeAll(() => restart(NEW))

  test('what has been used works', async () => {
    // Opaque access tokens do not move: they are short-lived.
    expect(await use(ada)).toEqual({ ...ALL, opaque: false })
    expect((await refresh(ada.refreshToken)).status).toBe(200)
    const metadata = { redirect_uris: ['https://third.example/callback'] }
    expect((await register({ issuer }, metadata, INITIAL_TOKEN)).status).toBe(201)
    expect(await isSignedIn(underWay.agent)).toBe(true)
  })

  test('what has not is over, and tokens that are signed are as good as ever', async () => {
    expect(await use(bob)).toEqual({
      session: false,
      apiKey: false,
      personalToken: false,
      registration: false,
      opaque: false,
      jwt: true,
      clientSecret: false,
    })
    const { status, body } = await refresh(bob.refreshToken)
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
  })

  test('it is told what is lost', async () => {
    const missing = (await secrets()).find(({ state }) => state === 'missing')
    const lost = [
      'client_secret',
      'client_registration',
      'initial_access_token',
      'minted_token',
      'refresh_token',
      'session',
      'access_token',
    ]
    expect([...tables(missing)]).toEqual(expect.arrayContaining(lost))
    expect(tables(missing)).not.toContain('signing_key')
    expect((await secrets()).some(({ state }) => state === 'older')).toBe(false)
  })
})
