// What a page of somebody else can do to a person who is signed in here: nothing. Once from another site, whose requests
// carry no cookie of ours, and once from another port of the same host, whose requests carry them all.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { type Page, useBrowser } from '../support/browser.ts'
import { ordersFile, PASSWORD } from '../support/orders.ts'
import { addPerson, answer, heading, type Person, signIn } from '../support/people.ts'
import { until } from '../support/process.ts'
import { type RelyingParty, startRelyingParty } from '../support/relying-party.ts'

const browser = useBrowser()
let app: TestApp
let party: RelyingParty
let attacker: Server
let page = ''

beforeAll(async () => {
  party = await startRelyingParty({ client_id: 'relying-party' })
  app = await startApp({}, { ...ordersFile, clients: [...ordersFile.clients, party.registration] })
  await party.connect(app.issuer)
  attacker = createServer((_req, res) => {
    res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    res.end(`<!doctype html><title>Prizes</title><link rel="icon" href="data:,">${page}`)
  })
  await new Promise<void>(resolve => attacker.listen(0, '127.0.0.1', resolve))
})

afterAll(async () => {
  attacker.closeAllConnections()
  await new Promise(resolve => attacker.close(resolve))
  await party?.close()
  await app?.close()
})

/** Signed in, has allowed an application, and stands on a consent page of another request. */
async function victim(): Promise<{ window: Page; person: Person; consent: string }> {
  const window = await browser.open({ watched: false })
  const person = await addPerson(app, 'Vera Victim')
  await window.goto(party.signInAt())
  await signIn(window, person)
  await answer(window, 'Allow')
  await party.tokens(window)
  await window.goto(party.signInAt({ prompt: 'consent' }))
  await window.getByRole('button', { name: 'Allow' }).waitFor()
  return { window, person, consent: new URL(window.url()).pathname }
}

describe.each(['127.0.0.1', 'localhost'])('from %s', host => {
  const origin = () => `http://${host}:${(attacker.address() as AddressInfo).port}`

  test('no page can be framed', async () => {
    const { window, consent } = await victim()
    const paths = [
      '/',
      '/sign-in',
      '/sign-up',
      consent,
      '/account',
      '/account/sessions',
      '/account/applications',
    ]
    const urls = [...paths, '/admin', '/nowhere', '/end_session'].map(path => app.issuer + path)
    const own = `${origin()}/own`
    page = [own, ...urls].map(url => `<iframe src="${url}"></iframe>`).join('')
    page += '<script>if (top !== self) document.body.replaceChildren()</script>'
    await window.goto(origin())
    const shown = () =>
      window
        .mainFrame()
        .childFrames()
        .map(frame => frame.url())
    await until('every frame shows something', () =>
      shown().every(url => url !== '' && url !== 'about:blank'),
    )
    // The first: frames work as such.
    expect(shown()).toEqual([own, ...urls.map(() => 'chrome-error://chromewebdata/')])
  })

  test('no form can be posted', async () => {
    const { window, person, consent } = await victim()
    const other = await addPerson(app, 'Oscar Other')
    const account = { username: other.username, password: PASSWORD }
    const forms: [path: string, fields: Record<string, string>][] = [
      ['/sign-in', account],
      ['/sign-up', { ...account, username: 'planted', name: 'Planted', email: 'planted@example.com' }],
      ['/sign-out', {}],
      ['/account/sessions/end-others', {}],
      ['/account/sessions/sign-out-everywhere', {}],
      ['/account/applications/relying-party/withdraw', {}],
      ['/end_session/confirm', { logout: 'yes', xsrf: 'x' }],
      [consent, { decision: 'allow', scope: 'openid' }],
      [consent, account],
      [`${consent}/sign-up`, { ...account, username: 'planted', name: 'P', email: 'planted@example.com' }],
      [`${consent}/switch-account`, {}],
      ['/admin/first-account', { ...account, token: 'x' }],
    ]
    const before = party.visits.length
    const answers: [path: string, status: number][] = []
    for (const [path, fields] of forms) {
      const inputs = Object.entries({ csrf: 'guessed', ...fields }).map(
        ([name, value]) => `<input name="${name}" value="${value}">`,
      )
      page = `<form method="post" action="${app.issuer}${path}">${inputs.join('')}</form>`
      page += '<script>document.forms[0].submit()</script>'
      const posted = window.waitForResponse(response => response.request().method() === 'POST')
      await window.goto(origin())
      const status = (await posted).status()
      await window.waitForURL(url => url.origin === app.issuer)
      answers.push([path, status])
    }
    // Where no cookie comes along, the account pages ask for a sign-in before they look at the form.
    const refused = (path: string) => (host !== 'localhost' && path.startsWith('/account/') ? 303 : 403)
    expect(answers).toEqual(forms.map(([path]) => [path, refused(path)]))
    expect(party.visits.length).toBe(before)

    await window.goto(`${app.issuer}/account/applications`)
    await window.getByRole('button', { name: 'Sign out' }).waitFor()
    await window.getByText(person.name).waitFor()
    await heading(window, 'Applications').waitFor()
    await window.getByRole('heading', { name: 'Relying party' }).waitFor()
    const planted = app.db.selectFrom('account').select('id').where('username', '=', 'planted')
    expect(await planted.execute()).toEqual([])
  })
})
