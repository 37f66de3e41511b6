import type { TestApp } from './app.ts'
import { allKnow } from './minted.ts'
import { ORDERS } from './orders.ts'

/** A client that nobody else uses, so that it can be disabled. */
export async function createOwnClient(app: TestApp): Promise<string> {
  const id = `service-${Math.random().toString(36).slice(2)}`
  const resource_scopes = { [ORDERS]: ['read:orders'] }
  const client_secret = `${id}-secret-for-tests-only-0123456789`
  await app.apply({
    clients: [{ client_id: id, client_secret, grant_types: ['client_credentials'], resource_scopes }],
  })
  await allKnow(app)
  return id
}
