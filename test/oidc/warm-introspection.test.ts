// Introspection of what needs no row is answered from memory when warm.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost } from '../support/authorization.ts'
import { makeKey, makePersonalToken } from '../support/minted.ts'
import { billing, ORDERS, ordersFile } from '../support/orders.ts'
import { queriesDuring } from '../support/queries.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, ordersFile)
})
afterAll(() => app.close())

async function jwt(): Promise<string> {
  const params = { grant_type: 'client_credentials', resource: ORDERS }
  return (await protocolPost(app.issuer, '/token', billing, params)).body.access_token ?? ''
}

test.each([
  ['an API key', async () => (await makeKey(app)).secret],
  ['a personal token', async () => (await makePersonalToken(app)).secret],
  ['a JWT', jwt],
])('%s', async (_, make) => {
  const token = await make()
  const introspect = async () => {
    const { body } = await protocolPost(app.issuer, '/introspect', billing, { token })
    expect(body.active).toBe(true)
  }
  await introspect()
  expect(await queriesDuring(introspect)).toEqual([])
})
