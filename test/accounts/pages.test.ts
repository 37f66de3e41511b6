import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { findAccountByUsername, updateAccount } from '../../src/accounts/account.ts'
import { describeUserAgent } from '../../src/accounts/user-agent.ts'
import { transaction } from '../../src/db/transaction.ts'
import { type People, people } from '../sign-in/people.ts'

let site: People
beforeAll(async () => {
  site = await people()
  await site.browser().signUp()
})
afterAll(() => site.close())

async function signedIn(username = 'ada') {
  const visitor = site.browser()
  await visitor.signIn({ username })
  return visitor
}

const PAGES = ['/account', '/account/sessions', '/account/applications']

describe('the account pages', () => {
  it('are for people who are signed in; others are sent to sign in and back', async () => {
    for (const page of PAGES) {
      const answer = await site.browser().get(page)
      expect([answer.status, answer.headers.location]).toEqual([
        303,
        `/sign-in?return_to=${encodeURIComponent(page)}`,
      ])
    }
    const answer = await site.browser().post('/account/sessions/x/end', {})
    expect([answer.status, answer.headers.location]).toEqual([
      303,
      '/sign-in?return_to=%2Faccount%2Fsessions',
    ])
  })

  it('show the profile, the sessions and the applications', async () => {
    const visitor = await signedIn()
    const [account, sessions, applications] = await Promise.all(PAGES.map(page => visitor.get(page)))
    expect(account?.status).toBe(200)
    expect(account?.headers['cache-control']).toBe('no-store')
    expect(account?.text).toContain('ada@example.com')
    expect(sessions?.text).toContain('Firefox on Linux')
    expect(sessions?.text).toContain('203.0.113.7')
    expect(applications?.text).toContain('Orders &lt;b>')
    expect(applications?.text).toContain('See your orders')
  })

  it('end one session, and all others', async () => {
    const [one, two, three] = [await signedIn(), await signedIn(), await signedIn()]
    const uid = two.jar.get('latchkey_session') ?? ''
    const ended = await one.post(`/account/sessions/${uid}/end`, {})
    expect([ended.status, ended.headers.location]).toEqual([303, '/account/sessions'])
    expect((await two.get('/account')).status).toBe(303)
    expect((await three.get('/account')).status).toBe(200)
    expect((await one.post('/account/sessions/end-others', {})).status).toBe(303)
    expect((await three.get('/account')).status).toBe(303)
    expect((await one.get('/account')).status).toBe(200)
  })

  it('sign out everywhere, here too, and nobody else', async () => {
    await site.browser().signUp({ username: 'mel', name: 'Mel', email: 'mel@example.com' })
    const [one, two, mel] = [await signedIn(), await signedIn(), await signedIn('mel')]
    const out = await one.post('/account/sessions/sign-out-everywhere', {})
    expect([out.status, out.headers.location]).toEqual([303, '/sign-in'])
    for (const visitor of [one, two]) expect((await visitor.get('/account')).status).toBe(303)
    expect((await mel.get('/account')).status).toBe(200)
  })

  it("cannot end somebody else's session", async () => {
    await site.browser().signUp({ username: 'eve', name: 'Eve', email: 'eve@example.com' })
    const [ada, eve] = [await signedIn(), await signedIn('eve')]
    expect((await eve.post(`/account/sessions/${ada.jar.get('latchkey_session')}/end`, {})).status).toBe(303)
    expect((await ada.get('/account')).status).toBe(200)
  })

  it('withdraw an application, whatever its client id looks like', async () => {
    const visitor = await signedIn()
    const page = await visitor.get('/account/applications')
    const action = /action="([^"]+\/withdraw)"/.exec(page.text)?.[1] ?? ''
    const answer = await visitor.post(action, {})
    expect([answer.status, answer.headers.location]).toEqual([303, '/account/applications'])
    expect(site.withdrawn).toEqual(['https://app.example/client?a=1'])
  })

  it('need the CSRF token for every form', async () => {
    const visitor = await signedIn()
    const forms = [
      'sessions/end-others',
      'sessions/sign-out-everywhere',
      'sessions/x/end',
      'applications/x/withdraw',
    ].map(path => `/account/${path}`)
    for (const form of forms) expect((await visitor.post(form, { csrf: 'x' })).status).toBe(403)
  })

  it('answer what no id can be with 4xx', async () => {
    const visitor = await signedIn()
    for (const id of ['%00', '%ED%A0%80', '%', '%ff']) {
      const { status } = await visitor.post(`/account/sessions/${id}/end`, {})
      expect(status).toBeGreaterThanOrEqual(303)
      expect(status).toBeLessThan(500)
      expect((await visitor.post(`/account/applications/${id}/withdraw`, {})).status).toBeLessThan(500)
    }
  })

  it('are shut at once for a disabled account', async () => {
    await site.browser().signUp({ username: 'gone', name: 'Gone', email: 'gone@example.com' })
    const visitor = await signedIn('gone')
    expect((await visitor.get('/account')).status).toBe(200)
    const account = await findAccountByUsername(site.db, 'gone')
    await transaction(site.db, tx => updateAccount(tx, account?.id ?? '', { disabled: true }))
    expect((await visitor.get('/account')).headers.location).toBe('/sign-in?return_to=%2Faccount')
    expect((await visitor.get('/sign-in?return_to=/account')).status).toBe(200)
    expect((await visitor.get('/')).text).not.toContain('Gone')
    expect((await visitor.signIn({ username: 'gone' })).status).toBe(401)
  })
})

describe('a browser in words', () => {
  it.each([
    [null, ''],
    ['', ''],
    ['curl/8.5.0', ''],
    ['<script>alert(1)</script>', ''],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36',
      'Chrome on Windows',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
      'Safari on iOS',
    ],
  ])('%s', (userAgent, words) => {
    expect(describeUserAgent(userAgent)).toBe(words)
  })
})
