// Whom the audit names where a client was refused.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost } from '../support/authorization.ts'
import { devicesFile, kiosk, television } from '../support/devices.ts'
import { until } from '../support/process.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, devicesFile)
})
afterAll(() => app?.close())

test('who only knows the id of a client is nobody to the audit', async () => {
  const stranger = { client_id: kiosk.client_id, client_secret: 'a-guess-0123456789-0123456789-0123456789' }
  await protocolPost(app.issuer, '/device_authorization', stranger, {})
  await protocolPost(app.issuer, '/device_authorization', television, { scope: 'nobody:knows' })
  await protocolPost(app.issuer, '/device_authorization', kiosk, { scope: 'nobody:knows' })
  await protocolPost(app.issuer, '/par', stranger, {})
  await until('the audit has them', async () => {
    const { rows } = await sql<object>`
      SELECT type, client_id, actor_type FROM audit_event
      WHERE outcome = 'refused' AND type IN ('device_authorization', 'pushed_authorization_request')
      ORDER BY created_at, id
    `.execute(app.db)
    if (!JSON.stringify(rows).includes('pushed')) return false
    expect(rows).toEqual([
      { type: 'device_authorization', client_id: 'kiosk', actor_type: 'anonymous' },
      { type: 'device_authorization', client_id: 'orders-tv', actor_type: 'anonymous' },
      { type: 'device_authorization', client_id: 'kiosk', actor_type: 'client' },
      { type: 'pushed_authorization_request', client_id: 'kiosk', actor_type: 'anonymous' },
    ])
    return true
  })
})
