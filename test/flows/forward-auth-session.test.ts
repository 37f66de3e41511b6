// examples/forward-auth, its second site: Latchkey and an application at one address, where a person who has signed in is
// let in. Real nginx and real Caddy, over TLS, with the session's cookie as browsers get it there.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { FORM } from '../http/ground.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { createAuthority } from '../support/certificates.ts'
import { type ForwardAuthProxy, type ProxyName, startProxy } from '../support/forward-auth-proxies.ts'
import { freePort } from '../support/free-port.ts'
import { parse } from '../support/html.ts'
import { ORDERS, ordersFile, PASSWORD } from '../support/orders.ts'
import { type OrdersApi, startOrdersApi } from '../support/orders-api.ts'

const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none', accept: 'text/html' }

describe.each<ProxyName>(['nginx', 'caddy'])('at the address of Latchkey behind %s', name => {
  const authority = createAuthority()
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-authority-'))
  let app: TestApp
  let api: OrdersApi
  let proxy: ForwardAuthProxy
  let host: string
  beforeAll(async () => {
    const port = await freePort()
    host = `localhost:${port}`
    const issuer = `https://${host}`
    app = await startApp({ TRUSTED_PROXIES: '127.0.0.1', ISSUER: issuer }, ordersFile)
    const ca = join(folder, 'ca.pem')
    writeFileSync(ca, authority.cert)
    api = await startOrdersApi({ issuer, proxyOrigin: issuer, ca })
    const orders = Number(new URL(api.origin).port)
    proxy = await startProxy(name, { port, latchkey: app.config.port, orders, issuerHost: host }, authority)
  })
  afterAll(async () => {
    await proxy?.close()
    await api?.close()
    await app?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const jar = new Map<string, string>()
  const cookie = () => [...jar].map(pair => pair.join('=')).join('; ')

  async function browse(
    path: string,
    headers: Record<string, string> = NAVIGATION,
    fields?: Record<string, string>,
  ) {
    const answer = await proxy.ask({
      host,
      path,
      method: fields ? 'POST' : 'GET',
      headers: { ...headers, ...(jar.size > 0 && { cookie: cookie() }), ...(fields && FORM) },
      ...(fields && { body: new URLSearchParams(fields).toString() }),
    })
    for (const one of answer.headers['set-cookie'] ?? []) {
      const [, cookieName = '', value = ''] = /^([^=]+)=([^;]*)/.exec(one) ?? []
      jar.set(cookieName, value)
    }
    return answer
  }

  it('a person is sent to sign in, comes back, and is let in as who they are', async () => {
    const refused = await browse('/orders?page=2')
    const location = `https://${host}/sign-in?return_to=%2Forders%3Fpage%3D2`
    expect([refused.status, refused.headers.location]).toEqual([303, location])
    const page = await browse(location.slice(`https://${host}`.length))
    const [form] = parse(page.text).forms
    const fields = { ...form?.hidden, username: 'ada', password: PASSWORD } as Record<string, string>
    const sameSite = { ...NAVIGATION, 'sec-fetch-site': 'same-origin' }
    const signedIn = await browse('/sign-in', sameSite, fields)
    expect([signedIn.status, signedIn.headers.location]).toEqual([303, '/orders?page=2'])
    const { caller } = (await browse('/orders?page=2')).json()
    expect(caller).toMatchObject({
      kind: 'other',
      kindName: 'session',
      subject: { type: 'account' },
      resource: ORDERS,
      scopes: ['admin:orders', 'read:orders', 'write:orders'],
    })
  })

  it('another site can have nothing changed, and a page of this one can', async () => {
    const post = (headers: Record<string, string>) =>
      proxy.ask({
        host,
        path: '/orders',
        method: 'POST',
        headers: { cookie: cookie(), 'content-type': 'application/json', ...headers },
        body: '{"item":"A loom"}',
      })
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }, {}]) {
      const answer = await post(headers)
      expect([answer.status, answer.json().code]).toEqual([403, 'csrf_failed'])
    }
    expect((await post({ 'sec-fetch-site': 'same-origin' })).status).toBe(201)
    expect((await post({ origin: `https://${host}` })).status).toBe(201)
  })

  it('the session opens nothing at the address of the API', async () => {
    const answer = await proxy.ask({ path: '/orders', headers: { ...NAVIGATION, cookie: cookie() } })
    expect([answer.status, answer.headers.location]).toEqual([401, undefined])
    expect(answer.text).toContain(`Being signed in at https://${host} counts there only`)
  })

  it('who has signed out is sent to sign in again', async () => {
    const account = await browse('/account')
    const form = parse(account.text).forms.find(({ action }) => action === '/sign-out')
    const before = cookie()
    await browse(
      '/sign-out',
      { ...NAVIGATION, 'sec-fetch-site': 'same-origin' },
      form?.hidden as Record<string, string>,
    )
    const answer = await proxy.ask({ host, path: '/orders', headers: { ...NAVIGATION, cookie: before } })
    expect([answer.status, answer.headers.location]).toEqual([
      303,
      `https://${host}/sign-in?return_to=%2Forders`,
    ])
    const script = await proxy.ask({
      host,
      path: '/orders',
      headers: { 'sec-fetch-mode': 'cors', cookie: before },
    })
    expect([script.status, script.json().code]).toEqual([401, 'invalid_token'])
  })
})
