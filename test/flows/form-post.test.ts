// response_mode=form_post: what goes back to the application is posted there by the browser, not part of an address.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { useBrowser } from '../support/browser.ts'
import { ordersFile } from '../support/orders.ts'
import { addPerson, answer, signIn } from '../support/people.ts'
import { type RelyingParty, startRelyingParty } from '../support/relying-party.ts'

const browser = useBrowser()
let app: TestApp
let party: RelyingParty

beforeAll(async () => {
  party = await startRelyingParty({ client_id: 'relying-party' })
  app = await startApp({}, { ...ordersFile, clients: [party.registration] })
  await party.connect(app.issuer)
})
afterAll(async () => {
  await party?.close()
  await app?.close()
})

const REQUEST = { response_mode: 'form_post', scope: 'openid profile' }

test('a code comes by POST, then an answer to somebody who has allowed it before', async () => {
  const page = await browser.open()
  const posted: string[] = []
  page.on('request', request => {
    if (request.method() === 'POST' && request.url().startsWith(party.origin)) posted.push(request.url())
  })
  await page.goto(party.signInAt(REQUEST))
  await signIn(page, await addPerson(app, 'Grace Hopper'))
  await answer(page, 'Allow')
  const tokens = await party.tokens(page)
  expect(tokens.claims()).toMatchObject({ iss: app.issuer, aud: 'relying-party' })

  await page.goto(party.signInAt({ ...REQUEST, prompt: 'none' }))
  expect(await party.arrival(page)).toMatchObject({ iss: app.issuer, tokens: expect.anything() })
  expect(posted).toEqual([`${party.origin}/callback`, `${party.origin}/callback`])
})

test('an error comes the same way', async () => {
  const page = await browser.open()
  await page.goto(party.signInAt({ ...REQUEST, prompt: 'none' }))
  expect(await party.arrival(page)).toMatchObject({ error: 'login_required' })
  await page.goto(party.signInAt(REQUEST))
  await signIn(page, await addPerson(app, 'Kathleen Booth'))
  await answer(page, 'Deny')
  expect(await party.arrival(page)).toMatchObject({ error: 'access_denied' })
})

test('where pages run no scripts, the person goes on by a button', async () => {
  // Not watched: the library's page names no icon, so the browser asks for one that is not there.
  const page = await browser.open({ javaScriptEnabled: false, watched: false })
  await page.goto(party.signInAt(REQUEST))
  await signIn(page, await addPerson(app, 'Ida Rhodes'))
  await answer(page, 'Allow')
  await page.getByRole('button', { name: 'Continue' }).click()
  expect((await party.tokens(page)).claims()).toMatchObject({ iss: app.issuer })
})
