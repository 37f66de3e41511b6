// A request that is refused leaves everything as it was: the client may correct it and ask again.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { countRows } from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { answer, authorizationRequest, codeFlow, protocolPost, redirectOf } from '../support/authorization.ts'
import { ORDERS, ordersFile, ordersSpa, ordersWeb, STOCK } from '../support/orders.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, ordersFile)
})
afterAll(() => app.close())

const token = (params: Record<string, string | readonly string[]>, client = ordersSpa) =>
  protocolPost(app.issuer, '/token', client as typeof ordersWeb, params)

test('a code and a refresh token outlive a wrong choice of the resource', async () => {
  const agent = app.agent()
  const params = { scope: 'openid read:orders read:stock', resource: [ORDERS, STOCK] }
  const { url, verifier } = authorizationRequest(app.issuer, ordersSpa, params)
  const code = redirectOf(await answer(agent, await agent.get(url))).get('code') ?? ''
  const exchange = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: ordersSpa.redirect_uris?.[0] ?? '',
    code_verifier: verifier,
  }
  const wrong = [{}, { resource: 'https://other.example' }, { resource: [ORDERS, STOCK] }, { resource: 'x' }]
  const before = await countRows(app)
  for (const resource of wrong)
    expect((await token({ ...exchange, ...resource })).body.error).toBe('invalid_target')
  expect(await countRows(app)).toEqual(before)
  const first = await token({ ...exchange, resource: STOCK })
  expect(first.status).toBe(200)

  const refresh = { grant_type: 'refresh_token', refresh_token: first.body.refresh_token ?? '' }
  const between = await countRows(app)
  for (const resource of wrong)
    expect((await token({ ...refresh, ...resource })).body.error).toBe('invalid_target')
  expect((await token({ ...refresh, resource: STOCK, scope: 'read:more' })).body.error).toBe('invalid_scope')
  expect(await countRows(app)).toEqual(between)
  // As if the wrong ones had been long ago.
  await app.db
    .updateTable('refresh_token')
    .set({ consumed_at: new Date(Date.now() - 60_000) })
    .where('consumed_at', 'is not', null)
    .execute()
  expect((await token({ ...refresh, resource: ORDERS })).body).toMatchObject({ scope: 'read:orders' })
})

test('another client learns nothing about a code from its resource', async () => {
  const { url } = authorizationRequest(app.issuer, ordersWeb, { scope: 'openid read:orders' })
  const agent = app.agent()
  const code = redirectOf(await answer(agent, await agent.get(url))).get('code') ?? ''
  const redirect_uri = ordersSpa.redirect_uris?.[0] ?? ''
  for (const one of [code, 'unknown'])
    expect(
      (await token({ grant_type: 'authorization_code', code: one, redirect_uri, resource: STOCK })).body,
    ).toEqual({ error: 'invalid_grant', error_description: 'grant request is invalid' })
})

test('an authorization request that ends in an error, or at a sign-in, makes no grant', async () => {
  const agent = app.agent()
  await codeFlow(app.issuer, agent, ordersWeb, { params: { scope: 'openid read:orders' } })
  const before = await countRows(app)
  const requests = [
    { scope: 'openid read:orders read:nothing' },
    { scope: 'openid read:orders', prompt: 'login' },
    { scope: 'openid read:orders', max_age: '0' },
    { scope: 'openid read:orders', id_token_hint: 'x' },
  ]
  for (const params of requests) await agent.get(authorizationRequest(app.issuer, ordersWeb, params).url)
  expect(await countRows(app)).toEqual(before)
})

test('a scope without a value counts as not sent', async () => {
  const { redirect } = await codeFlow(app.issuer, app.agent(), ordersWeb, { params: { scope: '' } })
  expect(redirect.get('code')).toBeTruthy()
})
