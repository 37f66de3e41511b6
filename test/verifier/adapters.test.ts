// The adapters in real servers: Koa, Express, Fastify. The same requests get the same answers from each.

import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Router } from '@koa/router'
import express from 'express'
import { fastify } from 'fastify'
import Koa from 'koa'
import * as forExpress from '../../src/verifier/express.ts'
import * as forFastify from '../../src/verifier/fastify.ts'
import * as forKoa from '../../src/verifier/koa.ts'
import { createVerifier, type Identity, type Verifier } from '../../src/verifier/verifier.ts'
import { type Answer, ask } from '../http/ground.ts'
import { proofKey } from '../support/dpop.ts'
import { API, claimsFor, type Issuer, type IssuerKey, issuerKey, startIssuer } from '../support/issuer.ts'

const READ = { scopes: ['read:orders'] }
const ADMIN = { scopes: ['admin:orders'] }
const BROKEN = { certificate: (_: IncomingMessage) => 'no certificate' }
const shown = ({ kind, subject }: Identity) => ({ kind, id: subject.id })

interface Server {
  readonly port: number
  close(): Promise<unknown>
}

async function listening(listener: RequestListener): Promise<Server> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, close: async () => server.close() }
}

/** Each has /v1/orders, /v1/admin, /v1/broken in a router of their own, and /open, which asks nobody and wants to know. */
const servers: [string, (verifier: Verifier) => Promise<Server>][] = [
  [
    'Koa',
    async verifier => {
      const { requires, identityOf } = forKoa
      const router = new Router({ prefix: '/v1' })
      router.get('/orders', requires(verifier, READ), ctx => {
        ctx.body = shown(identityOf(ctx))
      })
      router.get('/admin', requires(verifier, ADMIN), ctx => {
        ctx.body = {}
      })
      router.get('/broken', requires(verifier, BROKEN), ctx => {
        ctx.body = {}
      })
      const app = new Koa({ proxy: true })
      app.silent = true
      app.use(router.routes()).use(ctx => {
        ctx.body = shown(identityOf(ctx))
      })
      return listening(app.callback())
    },
  ],
  [
    'Express',
    async verifier => {
      const { requires, identityOf } = forExpress
      const router = express.Router()
      router.get('/orders', requires(verifier, READ), (request, response) => {
        response.json(shown(identityOf(request)))
      })
      router.get('/admin', requires(verifier, ADMIN), (_, response) => {
        response.json({})
      })
      router.get('/broken', requires(verifier, BROKEN), (_, response) => {
        response.json({})
      })
      const app = express().set('trust proxy', true).set('env', 'test').use('/v1', router)
      app.get('/open', (request, response) => {
        response.json(shown(identityOf(request)))
      })
      return listening(app)
    },
  ],
  [
    'Fastify',
    async verifier => {
      const { requires, identityOf } = forFastify
      const app = fastify({ trustProxy: true })
      await app.register(
        async routes => {
          routes.get('/orders', { onRequest: requires(verifier, READ) }, async request =>
            shown(identityOf(request)),
          )
          routes.get('/admin', { onRequest: requires(verifier, ADMIN) }, async () => ({}))
          routes.get('/broken', { onRequest: requires(verifier, BROKEN) }, async () => ({}))
        },
        { prefix: '/v1' },
      )
      app.get('/open', async request => shown(identityOf(request)))
      await app.listen({ port: 0, host: '127.0.0.1' })
      return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
    },
  ],
]

describe.each(servers)('%s', (_, start) => {
  let issuer: Issuer
  let key: IssuerKey
  let server: Server
  let asked: Record<string, unknown>[]
  beforeAll(async () => {
    issuer = await startIssuer()
    key = await issuerKey()
    issuer.publish([key])
    issuer.at.set('/token', { body: { access_token: 'own', expires_in: 900 } })
    asked = []
    issuer.at.set('/v1/verify', ({ body }) => {
      asked.push(body)
      const identity = {
        kind: 'api-key',
        credential_id: 'key-1',
        subject: { type: 'client', id: 'partner' },
        client_id: 'partner',
        resource: API,
        scopes: [],
        env: 'live',
      }
      return { body: { allowed: true, identity, headers: [['X-Credential-Warning', 'expires_soon']] } }
    })
    const verifier = createVerifier({
      issuer: issuer.issuer,
      resource: API,
      credentials: { clientId: 'orders', clientSecret: 'secret' },
      report: () => undefined,
    })
    server = await start(verifier)
  })
  afterAll(async () => {
    await server?.close()
    await issuer?.close()
  })

  const get = (path: string, headers: Record<string, string | string[]> = {}): Promise<Answer> =>
    ask({ port: server.port, issuer: API }, { path, headers })
  const token = (claims: object = {}) =>
    key.sign('at+jwt', { ...claimsFor(issuer.issuer, Date.now()), ...claims })

  test('lets in, and knows who it is', async () => {
    const { status, text } = await get('/v1/orders', { authorization: `Bearer ${await token()}` })
    expect([status, JSON.parse(text)]).toEqual([200, { kind: 'access-token', id: 'billing' }])
  })

  test('hands on what the caller should know, and tells Latchkey where the request came from', async () => {
    const headers = { 'x-api-key': 'a-key', 'x-forwarded-for': '192.0.2.7' }
    const answer = await get('/v1/orders?page=2', headers)
    expect([answer.status, answer.json()]).toEqual([200, { kind: 'api-key', id: 'partner' }])
    expect(answer.headers['x-credential-warning']).toBe('expires_soon')
    expect(asked).toEqual([
      {
        request: expect.objectContaining({ url: `${API}/v1/orders?page=2`, client_address: '192.0.2.7' }),
        resource: API,
        scopes: ['read:orders'],
      },
    ])
  })

  test('answers with the refusal, as it is', async () => {
    const answer = await get('/v1/admin', { authorization: `Bearer ${await token()}` })
    expect(answer.status).toBe(403)
    expect(answer.headers).toMatchObject({
      'content-type': expect.stringMatching(/^application\/problem\+json/),
      'cache-control': 'no-store',
      'www-authenticate': `Bearer realm="${issuer.issuer}", error="insufficient_scope", scope="admin:orders"`,
    })
    expect(answer.json()).toMatchObject({ status: 403, code: 'insufficient_scope', title: 'Forbidden' })
    const twice = await get('/v1/orders', { authorization: 'Bearer a', 'x-api-key': 'b' })
    expect([twice.status, twice.json().code]).toEqual([400, 'ambiguous_credentials'])
  })

  test('takes DPoP proofs for the whole path', async () => {
    const holder = await proofKey()
    const bound = await token({ cnf: { jkt: holder.jkt } })
    const proof = await holder.proof({ method: 'GET', url: `${API}/v1/orders`, token: bound })
    const headers = { authorization: `DPoP ${bound}`, dpop: proof }
    expect((await get('/v1/orders', headers)).status).toBe(200)
    const again = await get('/v1/orders', headers)
    expect([again.status, again.json().code]).toEqual([401, 'invalid_dpop_proof'])
  })

  test('a mistake of the API lets nobody in', async () => {
    const bound = await token({ cnf: { 'x5t#S256': 'x' } })
    expect((await get('/v1/broken', { authorization: `Bearer ${bound}` })).status).toBe(500)
    expect((await get('/open')).status).toBe(500)
  })
})
