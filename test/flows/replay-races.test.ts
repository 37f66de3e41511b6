// What may be shown once, shown 20 times at the same moment to two server processes whose reads take 50 ms longer than
// they do: a DPoP proof, a client's assertion, a pushed request. The last part breaks the storage and sees that the same
// checks notice.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { SignJWT } from 'jose'
import { sql } from 'kysely'
import type { Answer, Question } from '../http/ground.ts'
import type { Agent, Page } from '../support/agent.ts'
import { cookieOf, errorOf } from '../support/answers.ts'
import { answer, authorizationRequest, redirectOf } from '../support/authorization.ts'
import { type ProofKey, proofKey } from '../support/dpop.ts'
import { type ClientKey, clientKey, signingService } from '../support/keyholders.ts'
import { form, formOf, statuses, tokenFrom } from '../support/node-requests.ts'
import { billing, ordersFile, ordersWeb, PASSWORD } from '../support/orders.ts'
import { type Cluster, startCluster } from '../support/server-process.ts'

const SLOW = { delayAfterReads: 50, env: { DATABASE_POOL_SIZE: '20', LOG_LEVEL: 'warn' } }
const TIMES = 20

const GRANT = { grant_type: 'client_credentials', scope: 'read:orders' }
const SCOPE = 'openid read:orders'

async function start(brokenStorage = false): Promise<{ cluster: Cluster; serviceKey: ClientKey }> {
  const serviceKey = await clientKey('ES256')
  const clients = [...ordersFile.clients, signingService(serviceKey)]
  return { cluster: await startCluster({ ...SLOW, brokenStorage }, { ...ordersFile, clients }), serviceKey }
}

const errors = (answers: readonly Answer[]) => [
  ...new Set(answers.filter(one => one.status >= 400).map(errorOf)),
]

/** A nonce of the first node; both take it. */
async function nonceOf({ nodes }: Cluster, key: ProofKey, url: string): Promise<string> {
  const dpop = await key.proof({ method: 'POST', url })
  const refused = await nodes[0].ask(form('/token', billing, GRANT, { dpop }))
  expect(refused.json().error).toBe('use_dpop_nonce')
  return String(refused.headers['dpop-nonce'])
}

async function proofTogether(cluster: Cluster): Promise<Answer[]> {
  const key = await proofKey()
  const url = `${cluster.issuer}/token`
  const dpop = await key.proof({ method: 'POST', url, nonce: await nonceOf(cluster, key, url) })
  return cluster.together(TIMES, () => form('/token', billing, GRANT, { dpop }))
}

/** Where a proof goes with a token of its key. */
async function proofWithTokenTogether(cluster: Cluster, ada: Agent, path: string): Promise<Answer[]> {
  const key = await proofKey('Ed25519')
  const url = `${cluster.issuer}/token`
  const nonce = await nonceOf(cluster, key, url)
  const asked = authorizationRequest(cluster.issuer, ordersWeb, { scope: SCOPE })
  const redirect = redirectOf(await answer(ada, await ada.get(asked.url)))
  const exchange = form(
    '/token',
    ordersWeb,
    {
      grant_type: 'authorization_code',
      code: redirect.get('code') ?? '',
      redirect_uri: ordersWeb.redirect_uris?.[0] ?? '',
      code_verifier: asked.verifier,
    },
    { dpop: await key.proof({ method: 'POST', url, nonce }) },
  )
  const { access_token: token } = tokenFrom(await cluster.nodes[1].ask(exchange))
  const dpop = await key.proof({ method: 'GET', url: `${cluster.issuer}${path}`, nonce, token })
  const request = { path, headers: { authorization: `DPoP ${token}`, dpop } }
  return cluster.together(TIMES, () => request)
}

async function assertionTogether(cluster: Cluster, { privateKey }: ClientKey): Promise<Answer[]> {
  const { client_id } = signingService(await clientKey('ES256'))
  const assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(client_id)
    .setSubject(client_id)
    .setAudience(cluster.issuer)
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(privateKey)
  const request = form(
    '/token',
    { client_id },
    {
      ...GRANT,
      client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    },
  )
  return cluster.together(TIMES, () => request)
}

/** The address that opens a request which orders-web has pushed. */
async function pushed(cluster: Cluster): Promise<string> {
  const { searchParams } = new URL(authorizationRequest(cluster.issuer, ordersWeb, { scope: SCOPE }).url)
  const answer = await cluster.nodes[1].ask(form('/par', ordersWeb, Object.fromEntries(searchParams)))
  expect(answer.status).toBe(201)
  const { request_uri } = answer.json()
  const query = { client_id: ordersWeb.client_id, request_uri: String(request_uri) }
  return `/authorize?${new URLSearchParams(query)}`
}

const as = (agent: Agent, path: string): Question => ({
  path,
  headers: { accept: 'text/html', cookie: cookieOf(agent) },
})

/** By somebody who has allowed it before, so that the request is answered at once. */
async function pushedTogether(cluster: Cluster, ada: Agent): Promise<Answer[]> {
  const request = as(ada, await pushed(cluster))
  return cluster.together(TIMES, () => request)
}

/** How often each outcome came back to the client. */
function outcomes(answers: readonly Answer[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const { headers } of answers) {
    const { searchParams } = new URL(headers.location ?? '', 'http://nowhere.test')
    const outcome = searchParams.has('code') ? 'code' : (searchParams.get('error') ?? 'neither')
    found[outcome] = (found[outcome] ?? 0) + 1
  }
  return found
}

/** Somebody's browser, signed in. */
async function signedIn(cluster: Cluster, username: string): Promise<Agent> {
  const agent = cluster.agent()
  const page = await agent.get('/sign-in')
  const done = await agent.submit(page, { username, password: PASSWORD }, { button: 'Sign in' })
  expect(done.status).toBe(303)
  return agent
}

/** Ada, who has allowed orders-web what it asks for. */
async function consented(cluster: Cluster): Promise<Agent> {
  const ada = cluster.agent()
  await answer(ada, await ada.get(authorizationRequest(cluster.issuer, ordersWeb, { scope: SCOPE }).url))
  return ada
}

describe('two processes', () => {
  let cluster: Cluster
  let serviceKey: ClientKey
  let ada: Agent
  beforeAll(async () => {
    ;({ cluster, serviceKey } = await start())
    ada = await consented(cluster)
  })
  afterAll(() => cluster?.close())

  test('20 uses of one DPoP proof at the token endpoint: one success', async () => {
    const answers = await proofTogether(cluster)
    expect(statuses(answers)).toEqual({ 200: 1, 400: TIMES - 1 })
    expect(errors(answers)).toEqual(['invalid_grant'])
  })

  test.each([
    ['/userinfo', 'invalid_token'],
    ['/v1/credentials/self', 'invalid_dpop_proof'],
  ])('20 uses of one DPoP proof with its token at %s: one success', async (path, error) => {
    const answers = await proofWithTokenTogether(cluster, ada, path)
    expect(statuses(answers)).toEqual({ 200: 1, 401: TIMES - 1 })
    expect(errors(answers)).toEqual([error])
  })

  test('20 uses of one assertion: one success', async () => {
    const answers = await assertionTogether(cluster, serviceKey)
    expect(statuses(answers)).toEqual({ 200: 1, 401: TIMES - 1 })
    expect(errors(answers)).toEqual(['invalid_client'])
  })

  test('20 openings of one pushed request: one code', async () => {
    const answers = await pushedTogether(cluster, ada)
    expect(outcomes(answers)).toEqual({ code: 1, invalid_request_uri: TIMES - 1 })
  })

  test('one pushed request that several browsers were asked about: one code', async () => {
    const path = await pushed(cluster)
    const asked: { browser: Agent; page: Page }[] = []
    for (let count = 0; count < 6; count++) {
      const browser = await signedIn(cluster, 'bob')
      asked.push({ browser, page: await browser.follow(await browser.get(path)) })
    }
    // People may take longer than it lives.
    await sql`UPDATE pushed_authorization_request SET expires_at = expires_at + interval '1 hour'`.execute(
      cluster.db,
    )
    const resumed: Question[] = []
    for (const { browser, page } of asked) {
      const { scope = '' } = formOf(page, 'Allow').hidden
      const { location = '' } = await browser.submit(page, { decision: 'allow', scope }, { button: 'Allow' })
      resumed.push(as(browser, new URL(location).pathname))
    }
    const answers = await cluster.together(resumed.length, index => resumed[index] ?? {})
    expect(outcomes(answers)).toEqual({ code: 1, invalid_request_uri: 5 })
  })

  test('nothing of all this was a failure of ours', () => {
    for (const node of cluster.nodes) expect(node.log()).not.toContain('"level":50')
  })
})

test('a storage that looks before it writes is noticed', async () => {
  const { cluster, serviceKey } = await start(true)
  try {
    const ada = await consented(cluster)
    for (const answers of [
      await proofTogether(cluster),
      await proofWithTokenTogether(cluster, ada, '/userinfo'),
      await assertionTogether(cluster, serviceKey),
    ])
      expect(statuses(answers)[200]).toBeGreaterThan(1)
    expect(outcomes(await pushedTogether(cluster, ada)).code).toBeGreaterThan(1)
  } finally {
    await cluster.close()
  }
})
