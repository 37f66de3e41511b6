// The pages that end many things at once: what a client holds, after a dry run; and everything of one's own.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ask } from '../http/ground.ts'
import type { Agent, Page } from '../support/agent.ts'
import { codeFlow, protocolPost } from '../support/authorization.ts'
import { parse } from '../support/html.ts'
import { makeKey, makePersonalToken } from '../support/minted.ts'
import { billing, ORDERS, ordersWeb, reports, STOCK } from '../support/orders.ts'
import { signedInAgent } from '../support/signed-in-agent.ts'
import { type Acme, csrfOf, startAcme } from './acme.ts'

let acme: Acme
beforeAll(async () => {
  acme = await startAcme()
})
afterAll(() => acme.app.close())

async function isTaken(headers: Record<string, string>): Promise<boolean> {
  const server = { issuer: acme.app.issuer, port: Number(new URL(acme.app.issuer).port) }
  return (await ask(server, { path: '/v1/credentials/self', headers })).status === 200
}

const bearer = (token = '') => ({ authorization: `Bearer ${token}` })
const of = (clientId: string) => `/clients/${clientId}/revoke`
const textOf = (page: Page) => parse(page.text).text

async function tokenOf(client: typeof billing): Promise<Record<string, string>> {
  const { body } = await protocolPost(acme.app.issuer, '/token', client, { grant_type: 'client_credentials' })
  return bearer(body.access_token)
}

describe('what a client holds', () => {
  it('is shown before the button, and ended by it; the client stays', async () => {
    const { secret } = await makeKey(acme.app)
    const token = await tokenOf(billing)
    expect(await isTaken(token)).toBe(true)
    expect((await acme.ada.get('/clients/billing')).text).toContain(`href="${of('billing')}"`)
    const page = await acme.ada.get(of('billing'))
    expect(textOf(page)).toContain('1 API key')
    expect(textOf(page)).toContain('All tokens that it has got for itself')
    expect(await isTaken({ 'x-api-key': secret })).toBe(true)
    const answer = await acme.ada.submit(page, {}, { button: 'Revoke all of this' })
    expect([answer.status, answer.location]).toEqual([303, `${acme.app.issuer}/clients/billing`])
    expect([await isTaken({ 'x-api-key': secret }), await isTaken(token)]).toEqual([false, false])
    expect(
      (await protocolPost(acme.app.issuer, '/token', billing, { grant_type: 'client_credentials' })).status,
    ).toBe(200)
  })

  it('a person who signed in to it', async () => {
    const agent = await signedInAgent(acme.app, 'bob')
    const flow = await codeFlow(acme.app.issuer, agent, ordersWeb, { params: { scope: 'openid' } })
    const page = await acme.ada.get(of('orders-web'))
    expect(textOf(page)).toContain('1 sign-in of a person, with its tokens')
    await acme.ada.submit(page, {}, { button: 'Revoke all of this' })
    const refreshed = await protocolPost(acme.app.issuer, '/token', ordersWeb, {
      grant_type: 'refresh_token',
      refresh_token: flow.token.body.refresh_token ?? '',
    })
    expect(refreshed.body.error).toBe('invalid_grant')
    expect(textOf(await acme.ada.get(of('orders-web')))).toContain('It holds nothing')
  })

  it('is its owner’s to end, and an administrator’s', async () => {
    for (const who of [acme.dan, acme.vera]) expect((await who.get(of('billing'))).status).toBe(403)
    for (const who of [acme.otto, acme.bob]) expect((await who.get(of('billing'))).status).toBe(404)
    expect((await acme.dan.get('/clients/billing')).text).not.toContain(of('billing'))
    expect((await acme.root.get(of('reports'))).status).toBe(200)
    expect((await acme.ada.get(of('reports'))).status).toBe(404)
  })

  it('without the plan of the page nothing happens', async () => {
    const opaque = await protocolPost(acme.app.issuer, '/token', reports, {
      grant_type: 'client_credentials',
      resource: STOCK,
    })
    const csrf = await csrfOf(acme.root)
    for (const plan of [{}, { plan: 'made up' }])
      expect((await acme.root.post(of('reports'), { csrf, ...plan })).status).toBe(400)
    expect(await isTaken(bearer(opaque.body.access_token))).toBe(true)
  })
})

describe('everything of a person', () => {
  const PATH = '/account/revoke-everything'
  const other = () => signedInAgent(acme.app, 'otto')
  const isSignedIn = async (agent: Agent) => (await agent.get('/account')).status === 200

  it('is shown, then ends: sessions, tokens, and what was allowed', async () => {
    const [one, another] = [await other(), await other()]
    const flow = await codeFlow(acme.app.issuer, one, ordersWeb, {
      params: { scope: 'openid offline_access read:orders' },
    })
    const scopes = { [ORDERS]: ['read:orders'] }
    const { secret } = await makePersonalToken(acme.app, { scopes }, 'otto')
    expect((await one.get('/account/sessions')).text).toContain(`href="${PATH}"`)
    const page = await one.get(PATH)
    for (const line of ['sessions', '1 personal access token', 'What you have allowed 1 application'])
      expect(textOf(page)).toContain(line)
    expect(await isSignedIn(another)).toBe(true)
    const answer = await one.submit(page, {}, { button: 'Revoke everything' })
    expect([answer.status, answer.location]).toEqual([303, `${acme.app.issuer}/sign-in`])
    expect([await isSignedIn(one), await isSignedIn(another)]).toEqual([false, false])
    expect(await isTaken({ 'x-api-key': secret })).toBe(false)
    expect(await isTaken(bearer(flow.token.body.access_token))).toBe(false)
    expect(await isSignedIn(acme.ada)).toBe(true)
    const again = await other()
    expect(textOf(await again.get('/account/applications'))).toContain('No applications yet')
  })

  it('needs a person', async () => {
    const answer = await acme.app.agent().get(PATH)
    expect([answer.status, answer.location]).toEqual([
      303,
      `${acme.app.issuer}/sign-in?return_to=${encodeURIComponent(PATH)}`,
    ])
  })
})
