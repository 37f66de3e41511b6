import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Agent, Page } from '../support/agent.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { parse } from '../support/html.ts'
import { signedInMinutesAgo } from '../support/minutes-pass.ts'
import { ORDERS, ordersFile, PASSWORD } from '../support/orders.ts'
import { shownOnce, signedInAgent } from '../support/signed-in-agent.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, ordersFile)
})
afterAll(() => app?.close())

async function withToken(): Promise<{ ada: Agent; path: string; token: string }> {
  const ada = await signedInAgent(app, 'ada')
  const form = await ada.get('/account/tokens/new')
  const fields = { name: 'A', scope: `${ORDERS} read:orders` }
  const token = shownOnce(await ada.submit(form, fields, { button: 'Create token' }))
  return { ada, token, path: `/account/tokens/${token.split('_')[3]}` }
}

const isPasswordPage = (page: Page) => parse(page.text).text.includes('Is it still you?')

const works = async (token: string) => {
  const headers = { authorization: `Bearer ${token}` }
  return (await fetch(`${app.issuer}/v1/credentials/self`, { headers })).status === 200
}

describe('before something ends', () => {
  it('nothing is asked of somebody who has just signed in', async () => {
    const { ada, token, path } = await withToken()
    await signedInMinutesAgo(app, 14)
    const done = await ada.submit(await ada.get(`${path}/revoke`), {}, { button: 'Revoke' })
    expect(done.location).toBe(`${app.issuer}${path}`)
    expect(await works(token)).toBe(false)
  })

  it('the password is asked for when the sign-in is a while ago, and the form goes on afterwards', async () => {
    const { ada, token, path } = await withToken()
    await signedInMinutesAgo(app, 16)
    const form = await ada.get(`${path}/rotate`)
    const held = await ada.submit(form, { grace_seconds: '0' }, { button: 'Rotate' })
    expect([held.status, isPasswordPage(held)]).toEqual([200, true])
    expect(parse(held.text).forms[0]?.hidden).toMatchObject({ grace_seconds: '0' })
    const wrong = await ada.submit(held, { password: 'wrong password' }, { button: 'Go on' })
    expect([wrong.status, isPasswordPage(wrong)]).toEqual([401, true])
    expect(parse(wrong.text).forms[0]?.hidden).toMatchObject({ grace_seconds: '0' })
    expect(wrong.text).not.toContain('wrong password')
    expect((await ada.submit(wrong, { password: '' }, { button: 'Go on' })).status).toBe(422)
    const before = ada.cookies.get('latchkey_session')
    const rotated = await ada.submit(wrong, { password: PASSWORD }, { button: 'Go on' })
    expect(shownOnce(rotated).split('_')[3]).toBe(token.split('_')[3])
    // The session is renewed, under another cookie: the next form is not held back.
    expect(ada.cookies.get('latchkey_session')).not.toBe(before)
    const done = await ada.submit(await ada.get(`${path}/revoke`), {}, { button: 'Revoke' })
    expect(done.location).toBe(`${app.issuer}${path}`)
  })

  it("another account's password does not do", async () => {
    const { ada, token, path } = await withToken()
    await app.apply({ accounts: [{ username: 'carol', name: 'Carol', password: 'another battery staple' }] })
    await signedInMinutesAgo(app, 60)
    const held = await ada.submit(await ada.get(`${path}/revoke`), {}, { button: 'Revoke' })
    const refused = await ada.submit(held, { password: 'another battery staple', username: 'carol' })
    expect(refused.status).toBe(401)
    expect(await works(token)).toBe(true)
  })

  it('nothing is asked about what one may not do, or without the CSRF token', async () => {
    const { path, token } = await withToken()
    const bob = await signedInAgent(app, 'bob')
    const csrf = parse((await bob.get('/account/tokens/new')).text).forms.at(-1)?.hidden.csrf ?? ''
    await signedInMinutesAgo(app, 60)
    expect((await bob.post(`${path}/revoke`, { csrf })).status).toBe(404)
    expect((await bob.post(`${path}/revoke`, { csrf: 'x', password: PASSWORD })).status).toBe(403)
    expect(await works(token)).toBe(true)
  })
})
