// docs/devices.md says what is true.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { startApp, type TestApp } from '../support/app.ts'
import { askForCodes, decide, enterCode, poll } from '../support/devices.ts'
import { ordersFile } from '../support/orders.ts'

const page = readFileSync(new URL('../../docs/devices.md', import.meta.url), 'utf8')

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, ordersFile)
})
afterAll(() => app?.close())

test('the client of the page is let in, and the answer has the fields that the page shows', async () => {
  const [, file = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  await app.apply(parse(file) as object)
  const client = { client_id: 'orders-tv' }
  const codes = await askForCodes(app.issuer, client)
  const [, shown = ''] = /^(\{[\s\S]*?\})\n```/m.exec(page) ?? []
  const example = JSON.parse(shown) as object
  expect(Object.keys(codes)).toEqual(Object.keys(example))
  expect(codes).toMatchObject({ expires_in: 600, interval: 5 })
  expect((await poll(app.issuer, codes.device_code, client)).body.error).toBe('authorization_pending')
  expect((await poll(app.issuer, codes.device_code, client)).body.error).toBe('slow_down')
  const agent = app.agent()
  await decide(agent, await enterCode(agent, codes.user_code), 'allow')
  expect((await poll(app.issuer, codes.device_code, client)).body).toMatchObject({
    scope: 'read:orders',
    refresh_token: expect.any(String),
  })
})
