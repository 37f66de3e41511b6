// examples/forward-auth and client certificates: as a credential of their own, as the key of a bound one, as a layer.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { forgedHeaders } from '../support/certificate-headers.ts'
import { createAuthority, createSelfSigned, type Holder } from '../support/certificates.ts'
import { makeCertificate } from '../support/client-certificates.ts'
import { type ForwardAuthProxy, type ProxyName, startProxy } from '../support/forward-auth-proxies.ts'
import { allKnow, bearer, makeKey } from '../support/minted.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { type OrdersApi, startOrdersApi } from '../support/orders-api.ts'

const clients = createAuthority({ subject: '/CN=Clients' })
const pinned = clients.issue({ subject: '/CN=billing' })
const named = clients.issue({ subject: '/CN=robot', names: [{ dns: 'robot.example' }] })
const unknown = clients.issue({ subject: '/CN=billing' })
const foreign = createAuthority({ subject: '/CN=Clients' }).issue({ names: [{ dns: 'robot.example' }] })
const selfSigned = createSelfSigned({ subject: '/CN=billing' })

describe.each<ProxyName>(['nginx', 'caddy'])('behind %s', name => {
  let app: TestApp
  let api: OrdersApi
  let proxy: ForwardAuthProxy
  let bound: string
  beforeAll(async () => {
    app = await startApp({ TRUSTED_PROXIES: '127.0.0.1', CLIENT_CERTIFICATE_HEADER: name }, ordersFile)
    api = await startOrdersApi({ issuer: app.issuer, proxyOrigin: ORDERS })
    proxy = await startProxy(name, {
      latchkey: Number(new URL(app.issuer).port),
      orders: Number(new URL(api.origin).port),
    })
    await makeCertificate(app, { certificate: pinned.cert })
    await makeCertificate(app, { ca: clients.cert, san: { dns: 'robot.example' } })
    bound = (await makeKey(app, { cnf: { 'x5t#S256': selfSigned.thumbprint } })).secret
  })
  afterAll(async () => {
    await proxy?.close()
    await api?.close()
    await app?.close()
  })

  const ask = (certificate: Holder | undefined, headers: Record<string, string> = {}) =>
    proxy.ask({ path: '/orders', headers, ...(certificate && { certificate }) })

  it.each([
    ['that is pinned', pinned],
    ['of an authority, by its name', named],
  ])('a certificate %s passes alone', async (_name, holder) => {
    const { status, text } = await ask(holder)
    expect([status, text]).toEqual([200, expect.stringContaining('"kind":"client-certificate"')])
  })

  it.each<[string, Holder]>([
    ['that nobody registered', unknown],
    ['of another authority with the same name', foreign],
    ['that signed itself', selfSigned],
  ])('one %s does not', async (_name, holder) => {
    const answer = await ask(holder)
    expect([answer.status, answer.json().code]).toEqual([401, 'invalid_token'])
  })

  it('a key that is bound to one passes beside it, and only then', async () => {
    expect((await ask(selfSigned, bearer(bound))).text).toContain('"kind":"api-key"')
    for (const holder of [undefined, pinned, unknown]) {
      const answer = await ask(holder, bearer(bound))
      expect([answer.status, answer.json().code]).toEqual([401, 'invalid_token'])
    }
  })

  it('one that is only told of, in any header, is none', async () => {
    for (const holder of [pinned, named, selfSigned]) {
      for (const [header, value] of Object.entries(forgedHeaders(holder))) {
        const answer = await ask(undefined, { [header]: value })
        expect([header, answer.status, answer.json().code]).toEqual([header, 401, 'unauthenticated'])
      }
      expect((await ask(undefined, { ...bearer(bound), ...forgedHeaders(holder) })).status).toBe(401)
      expect((await ask(unknown, forgedHeaders(holder))).status).toBe(401)
    }
  })

  it('where layers are demanded both are needed, and what is missing is named', async () => {
    const { secret } = await makeKey(app)
    const [orders] = ordersFile.resources
    const layers = ['client-certificate', 'api-key']
    await app.apply({ resources: [{ ...orders, token_format: 'opaque', layers }] })
    await allKnow(app)
    expect((await ask(pinned, bearer(secret))).status).toBe(200)
    const lacking = async (certificate: Holder | undefined, headers: Record<string, string>) => {
      const answer = await ask(certificate, headers)
      return [answer.status, answer.json().missing_layer]
    }
    expect(await lacking(pinned, {})).toEqual([401, 'credential'])
    expect(await lacking(undefined, bearer(secret))).toEqual([403, 'client-certificate'])
    expect(await lacking(unknown, bearer(secret))).toEqual([403, 'client-certificate'])
  })
})
