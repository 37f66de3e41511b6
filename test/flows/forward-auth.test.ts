// examples/forward-auth, run: real nginx and real Caddy in front of examples/orders-api, with the configurations that stand
// there. Every kind of credential passes when it is good, and nothing that a client makes up is believed.
import { createHash } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { decodeJwt } from 'jose'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, protocolPost } from '../support/authorization.ts'
import { nonceOf } from '../support/bound-tokens.ts'
import { type ProofKey, proofKey } from '../support/dpop.ts'
import { askForwardAuth } from '../support/forward-auth.ts'
import {
  type ForwardAuthProxy,
  type ProxyName,
  type ProxyQuestion,
  startProxy,
} from '../support/forward-auth-proxies.ts'
import { issuerKey } from '../support/issuer.ts'
import { allKnow, bearer, makeKey, makePersonalToken } from '../support/minted.ts'
import { billing, ORDERS, ordersFile, ordersWeb } from '../support/orders.ts'
import { type OrdersApi, startOrdersApi } from '../support/orders-api.ts'
import { makeSigningKey, makeSigningSecret, signMessage, signSimply } from '../support/signing.ts'
import { askApp } from '../verify/doors.ts'

const exchanger = {
  client_id: 'gateway',
  client_secret: 'gateway-secret-for-tests-only-0123456789ab',
  grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'],
  resource_scopes: { [ORDERS]: ['read:orders', 'write:orders'] },
}

let app: TestApp
let api: OrdersApi
let key: string
let holder: ProofKey
beforeAll(async () => {
  const tokens = { ...ordersFile.resources[0], token_format: 'opaque' }
  app = await startApp(
    { TRUSTED_PROXIES: '127.0.0.1' },
    {
      ...ordersFile,
      resources: [tokens, ordersFile.resources[1]],
      clients: [...ordersFile.clients, exchanger],
    },
  )
  api = await startOrdersApi({ issuer: app.issuer, proxyOrigin: ORDERS })
  key = (await makeKey(app)).secret
  holder = await proofKey()
})
afterAll(async () => {
  await api?.close()
  await app?.close()
})

const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

const portOf = (origin: string) => Number(new URL(origin).port)
const LOOM = JSON.stringify({ item: 'A loom' })
const JSON_BODY = { 'content-type': 'application/json' }
const write = (headers: Record<string, string>): ProxyQuestion => ({
  method: 'POST',
  path: '/orders?from=here',
  headers: { ...headers, ...JSON_BODY },
  body: LOOM,
})

interface Shown {
  readonly method: string
  readonly url: string
  readonly body?: string
}

/** By kind: a good one, for one request. */
const kinds: Record<string, (request: Shown) => Promise<Record<string, string>>> = {
  'api-key': async () => bearer(key),
  'api-key in a header of its own': async () => ({ 'x-api-key': key }),
  'api-key bound to a DPoP key': async ({ method }) => {
    const { secret } = await makeKey(app, { cnf: { jkt: holder.jkt } })
    const asked = { method, url: `${ORDERS}/orders`, token: secret, nonce: nonceOf(app) }
    return { authorization: `DPoP ${secret}`, dpop: await holder.proof(asked) }
  },
  'personal-access-token': async () => {
    const scopes = { [ORDERS]: ['read:orders', 'write:orders'] }
    return bearer((await makePersonalToken(app, { scopes })).secret)
  },
  'access-token of a client': async () => {
    const params = { grant_type: 'client_credentials', resource: ORDERS }
    return bearer((await protocolPost(app.issuer, '/token', billing, params)).body.access_token ?? '')
  },
  'access-token of a person': async () => {
    const params = { scope: 'openid read:orders write:orders', resource: ORDERS }
    const { token } = await codeFlow(app.issuer, app.agent(), ordersWeb, { params })
    return bearer(token.body.access_token ?? '')
  },
  'client-secret': async () => ({
    authorization: basic(billing.client_id, billing.client_secret ?? ''),
  }),
  'personal-access-token in Basic': async () => {
    const scopes = { [ORDERS]: ['read:orders', 'write:orders'] }
    return { authorization: basic('ada', (await makePersonalToken(app, { scopes })).secret) }
  },
  'access-token exchanged for a key': async () => {
    const params = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: key,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      resource: ORDERS,
    }
    return bearer((await protocolPost(app.issuer, '/token', exchanger, params)).body.access_token ?? '')
  },
  'signing-secret with RFC 9421 and HMAC': async request =>
    signMessage(await makeSigningSecret(app), request),
  'signing-secret with RFC 9421 and Ed25519': async request =>
    signMessage(await makeSigningKey(app), request),
  'signing-secret with the simple profile': async request => ({
    ...signSimply(await makeSigningSecret(app), request),
    'x-content-sha256': createHash('sha256')
      .update(request.body ?? '')
      .digest('hex'),
  }),
}

describe.each<ProxyName>(['nginx', 'caddy'])('behind %s', name => {
  let proxy: ForwardAuthProxy
  beforeAll(async () => {
    proxy = await startProxy(name, { latchkey: portOf(app.issuer), orders: portOf(api.origin) })
  })
  afterAll(() => proxy?.close())

  it.each(Object.entries(kinds))('%s passes, and the API knows who it is', async (kind, show) => {
    const url = `${ORDERS}/orders?page=2`
    const read = await proxy.ask({ path: '/orders?page=2', headers: await show({ method: 'GET', url }) })
    expect([read.status, read.text]).toEqual([200, expect.stringContaining('"orders"')])
    const { caller } = read.json() as { caller: { kind: string; kindName?: string } }
    expect(caller.kindName ?? caller.kind).toBe(kind.split(' ')[0])
    const written = { method: 'POST', url: `${ORDERS}/orders?from=here`, body: LOOM }
    expect(await proxy.ask(write(await show(written)))).toMatchObject({ status: 201 })
  })

  it.each<[string, () => Promise<ProxyQuestion> | ProxyQuestion, number, string]>([
    ['nothing', () => ({}), 401, 'unauthenticated'],
    ['a bad token', () => ({ headers: bearer('nothing') }), 401, 'invalid_token'],
    [
      'two credentials',
      () => ({ headers: { ...bearer(key), 'x-api-key': key } }),
      400,
      'ambiguous_credentials',
    ],
    ['a path with dots', () => ({ path: '/a/../orders', headers: bearer(key) }), 400, 'invalid_request'],
    [
      'a proof for another address',
      async () => ({
        path: '/orders/7',
        headers: await (kinds['api-key bound to a DPoP key'] ?? fail)({ method: 'GET', url: '' }),
      }),
      401,
      'invalid_dpop_proof',
    ],
    [
      'another address of the caller',
      async () => ({ headers: bearer((await makeKey(app, { allowedAddresses: ['127.0.0.9'] })).secret) }),
      403,
      'address_not_allowed',
    ],
  ])('%s is refused in the words of Latchkey', async (_name, question, status, code) => {
    const answer = await proxy.ask({ path: '/orders', ...(await question()) })
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json'])
    expect(answer.json()).toMatchObject({ status, code, request_id: expect.any(String) })
    const challenge = answer.headers['www-authenticate']
    if (status === 401) expect(challenge).toMatch(/^(?:Bearer|DPoP) realm="http:/)
    // Once each.
    const schemes = challenge?.match(/(?:Bearer|DPoP|Basic) realm=/g) ?? []
    expect(schemes).toHaveLength(new Set(schemes).size)
    expect(answer.headers['x-auth-identity']).toBeUndefined()
  })

  it('a limit is told with the time to wait', async () => {
    const { secret } = await makeKey(app, { rateLimit: { requests: 1, seconds: 3600 } })
    const question = { path: '/orders', headers: bearer(secret) }
    expect((await proxy.ask(question)).status).toBe(200)
    const answer = await proxy.ask(question)
    expect([answer.status, answer.json().code]).toEqual([429, 'rate_limited'])
    expect(answer.headers).toMatchObject({
      'retry-after': expect.stringMatching(/^\d+$/),
      'ratelimit-policy': '"credential";q=1;w=3600',
    })
  })

  it('a proof without a nonce is answered with one', async () => {
    const { secret } = await makeKey(app, { cnf: { jkt: holder.jkt } })
    const asked = { method: 'GET', url: `${ORDERS}/orders`, token: secret }
    const show = async (nonce?: string) => ({
      authorization: `DPoP ${secret}`,
      dpop: await holder.proof({ ...asked, nonce }),
    })
    const answer = await proxy.ask({ path: '/orders', headers: await show() })
    expect([answer.status, answer.json().code]).toEqual([401, 'use_dpop_nonce'])
    const nonce = String(answer.headers['dpop-nonce'])
    expect((await proxy.ask({ path: '/orders', headers: await show(nonce) })).status).toBe(200)
  })

  it('the address of the caller is the one that the proxy saw', async () => {
    const { secret } = await makeKey(app, { allowedAddresses: ['127.0.0.9'] })
    const question = { path: '/orders', headers: bearer(secret) }
    expect((await proxy.ask({ ...question, from: '127.0.0.9' })).status).toBe(200)
    const forged = { ...question.headers, 'x-forwarded-for': '127.0.0.9', forwarded: 'for=127.0.0.9' }
    expect((await proxy.ask({ ...question, headers: forged })).json().code).toBe('address_not_allowed')
  })

  it('a scope that the credential lacks is refused by the API', async () => {
    const { secret } = await makeKey(app, { scopes: { [ORDERS]: ['read:orders'] } })
    const answer = await proxy.ask(write(bearer(secret)))
    expect([answer.status, answer.json().code]).toEqual([403, 'insufficient_scope'])
  })

  it('a signature is for this request and this body, once', async () => {
    const signer = await makeSigningSecret(app)
    const url = `${ORDERS}/orders?from=here`
    const signed = () => signMessage(signer, { method: 'POST', url, body: LOOM })
    const codeOf = async (question: ProxyQuestion) => {
      const answer = await proxy.ask(question)
      return answer.status === 201 ? 201 : answer.json().code
    }
    const good = signed()
    expect(await codeOf(write(good))).toBe(201)
    expect(await codeOf(write(good))).toBe('invalid_token')
    expect(await codeOf({ ...write(signed()), path: '/orders?from=there' })).toBe('invalid_token')
    expect(await codeOf({ ...write(signed()), body: '{"item":"Two looms"}' })).toBe('invalid_token')
    const withoutDigest = signMessage(signer, { method: 'POST', url })
    expect(await codeOf(write(withoutDigest))).toBe('invalid_token')
    // The method that was signed is the client's, not the one in which nginx asks.
    const forGet = signMessage(signer, { method: 'GET', url })
    expect(await codeOf(write(forGet))).toBe('invalid_token')
  })

  it('a long body is passed on: nobody reads it on the way', async () => {
    const body = JSON.stringify({ item: 'x'.repeat(900_000) })
    expect((await proxy.ask({ ...write(bearer(key)), body })).status).toBe(201)
    const refused = await proxy.ask({ ...write(bearer('nothing')), body })
    expect([refused.status, refused.json().code]).toEqual([401, 'invalid_token'])
  })

  it('what was revoked passes no more', async () => {
    const headers = bearer((await makeKey(app)).secret)
    expect((await proxy.ask({ path: '/orders', headers })).status).toBe(200)
    await askApp(app, { method: 'DELETE', path: '/v1/credentials/self', headers })
    await allKnow(app)
    expect((await proxy.ask({ path: '/orders', headers })).status).toBe(401)
  })

  it('a person who navigates there is told why signing in does not help', async () => {
    const answer = await proxy.ask({ path: '/orders', headers: { 'sec-fetch-mode': 'navigate' } })
    expect([answer.status, answer.headers['content-type']]).toEqual([401, 'text/html; charset=utf-8'])
    expect(answer.text).toContain('Signing in does not help here')
    expect(answer.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/)
    const plain = await proxy.ask({ path: '/orders', headers: { accept: 'text/html', ...bearer('nothing') } })
    expect([plain.status, plain.text]).toEqual([401, expect.stringContaining('The credential is not valid.')])
  })

  describe('what a client makes up', () => {
    /** Who has asked the API, as it sees it. */
    const caller = async (headers: Record<string, string>, more: ProxyQuestion = {}) => {
      const answer = await proxy.ask({ path: '/orders', ...more, headers })
      return answer.status === 200
        ? (answer.json().caller as { credentialId: string }).credentialId
        : answer.status
    }

    it('an identity: one that another signed, and a real one of somebody else', async () => {
      const stranger = await issuerKey()
      const { secret } = await makePersonalToken(app, { scopes: { [ORDERS]: ['read:orders'] } })
      const taken = await askForwardAuth(
        app,
        { dialect: 'caddy' },
        { url: `${ORDERS}/orders`, headers: bearer(secret) },
      )
      const real = String(taken.headers['x-auth-identity'])
      const forged = await stranger.sign('identity+jwt', decodeJwt(real))
      const own = await caller(bearer(key))
      for (const identity of [forged, real, `${real}, ${real}`, '']) {
        for (const name of ['x-auth-identity', 'X_AUTH_IDENTITY', 'X-Auth-identity']) {
          expect(await caller({ ...bearer(key), [name]: identity })).toBe(own)
          expect(await caller({ [name]: identity })).toBe(401)
        }
      }
    })

    it.each(
      Object.entries({
        'X-Forwarded-Method': 'HEAD',
        'X-Forwarded-Uri': '/elsewhere',
        'X-Forwarded-Host': 'elsewhere.example',
        'X-Forwarded-Proto': 'http',
        'X-Original-Method': 'HEAD',
        'X-Original-URI': '/elsewhere',
        'X-Original-URL': '/elsewhere',
        'X-Original-Host': 'elsewhere.example',
        'X-Rewrite-URL': '/elsewhere',
        Forwarded: 'host=elsewhere.example;proto=http',
        'X-Auth-Status': '200',
        'Client-Cert': ':AAAA:',
        'X-SSL-Client-Cert': 'nonsense',
        'X-Client-Cert': 'nonsense',
        'X-Forwarded-Client-Cert': 'Hash=abc',
        'X-Forwarded-Tls-Client-Cert': 'nonsense',
      }),
    )('%s changes nothing', async (header, value) => {
      const own = await caller(bearer(key))
      expect(await caller({ ...bearer(key), [header]: value })).toBe(own)
      expect(await caller({ [header]: value })).toBe(401)
      expect(await caller({ ...bearer('nothing'), [header]: value })).toBe(401)
    })

    it('that a header is for the next one only: then it is not there, and nothing is let in for it', async () => {
      const own = await caller(bearer(key))
      const names = [
        'X-Forwarded-Uri',
        'X-Forwarded-Host',
        'X-Original-URI',
        'X-Forwarded-For',
        'X-Auth-Identity',
      ]
      for (const header of [...names, 'Authorization', 'Host']) {
        const connection = `close, ${header}`
        expect([own, 400, 401]).toContain(
          await caller({ ...bearer(key), connection, 'X-Forwarded-For': '192.0.2.1' }),
        )
        expect([400, 401]).toContain(await caller({ connection, [header]: '/elsewhere' }))
      }
    })

    it('a proof that was made for what it says the request is', async () => {
      const { secret } = await makeKey(app, { cnf: { jkt: holder.jkt } })
      const asked = { method: 'POST', url: 'https://elsewhere.example/a', token: secret, nonce: nonceOf(app) }
      const headers = { authorization: `DPoP ${secret}`, dpop: await holder.proof(asked) }
      for (const prefix of ['X-Forwarded', 'X-Original']) {
        const says = {
          [`${prefix}-Method`]: 'POST',
          [`${prefix}-Uri`]: '/a',
          [`${prefix}-Host`]: 'elsewhere.example',
        }
        expect(await caller({ ...headers, ...says })).toBe(401)
      }
    })
  })

  it('the API itself lets nobody in who has not passed the proxy', async () => {
    expect((await api.read(bearer(key))).status).toBe(401)
    const forged = await (await issuerKey()).sign('identity+jwt', { iss: app.issuer, aud: ORDERS })
    expect((await api.read({ 'x-auth-identity': forged })).status).toBe(401)
  })

  it('the door of proxies is not for callers, and what is behind it is refused when Latchkey is gone', async () => {
    const path = `/v1/forward-auth/${name}`
    const asked = await proxy.ask({ host: 'id.example.com', path, headers: bearer(key) })
    expect([asked.status, asked.headers['x-auth-identity']]).toEqual([404, undefined])
    const nobody = createServer((_req, res) => res.writeHead(500).end())
    await new Promise<void>(resolve => nobody.listen(0, '127.0.0.1', resolve))
    const { port } = nobody.address() as AddressInfo
    for (const latchkey of [port, 1]) {
      const seen: IncomingHttpHeaders[] = []
      const behind = createServer((req, res) => {
        seen.push(req.headers)
        res.end('here')
      })
      await new Promise<void>(resolve => behind.listen(0, '127.0.0.1', resolve))
      const orders = (behind.address() as AddressInfo).port
      const alone = await startProxy(name, { latchkey, orders })
      const answer = await alone.ask({ path: '/orders', headers: bearer(key) })
      expect([answer.status >= 500, seen]).toEqual([true, []])
      await alone.close()
      await new Promise(resolve => behind.close(resolve))
    }
    await new Promise(resolve => nobody.close(resolve))
  })
})

function fail(): never {
  throw new Error('there is no such kind')
}
