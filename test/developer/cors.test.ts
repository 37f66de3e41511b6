// Scripts of registered applications may call the JSON API with a credential in a header; nobody's with a cookie.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { made, nobody } from '../support/api-callers.ts'
import { startWorld, type World } from './world.ts'

const APP = 'https://app.example.com'

let world: World
let id: unknown
beforeAll(async () => {
  world = await startWorld({ API_KEY_HEADER: 'X-Service-Key' })
  const client = await made(world.ada, '/v1/clients', {
    client_name: 'App',
    application_kind: 'single_page',
    redirect_uris: [`${APP}/callback`],
  })
  id = client.client_id
})
afterAll(() => world.app.close())

const preflight = (origin: string) =>
  nobody(world.app).call('OPTIONS', '/v1/clients', undefined, {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization',
  })

describe('scripts of an application', () => {
  it('are let in by the preflight', async () => {
    const { status, headers } = await preflight(APP)
    expect(status).toBe(204)
    expect(headers['access-control-allow-origin']).toBe(APP)
    expect(headers['access-control-allow-headers']).toMatch(
      /Authorization.*Content-Type.*DPoP.*X-Service-Key/i,
    )
    expect(headers['access-control-allow-methods']).toContain('DELETE')
    expect(headers['access-control-allow-credentials']).toBeUndefined()
    expect(headers.vary).toMatch(/origin/i)
  })

  it('may read answers and refusals, with their headers', async () => {
    for (const caller of [nobody(world.app), world.ci]) {
      const { headers } = await caller.call('GET', '/v1/clients', undefined, { origin: APP })
      expect(headers['access-control-allow-origin']).toBe(APP)
      expect(headers['access-control-expose-headers']).toMatch(/WWW-Authenticate.*DPoP-Nonce/)
      expect(headers['access-control-allow-credentials']).toBeUndefined()
    }
  })

  it('of no other origin', async () => {
    for (const origin of [
      'https://evil.example',
      'https://app.example.com.evil.example',
      'http://app.example.com',
      'https://app.example.com:8443',
      'null',
      `${APP}/callback`,
    ]) {
      const { headers } = await preflight(origin)
      expect(headers['access-control-allow-origin']).toBeUndefined()
      const answer = await world.ci.call('GET', '/v1/clients', undefined, { origin })
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  it('not once the client is shut', async () => {
    await world.ada.call('PATCH', `/v1/clients/${id}`, { disabled: true })
    expect((await preflight(APP)).headers['access-control-allow-origin']).toBeUndefined()
    await world.ada.call('PATCH', `/v1/clients/${id}`, { disabled: false })
    expect((await preflight(APP)).headers['access-control-allow-origin']).toBe(APP)
  })

  it('of nothing but the JSON API', async () => {
    const { headers } = await nobody(world.app).call('GET', '/sign-in', undefined, { origin: APP })
    expect(headers['access-control-allow-origin']).toBeUndefined()
  })
})
