// People with a real browser, and an application on another origin that was made with openid-client.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as openid from 'openid-client'
import { startApp, type TestApp } from '../support/app.ts'
import { useBrowser } from '../support/browser.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import {
  addPerson,
  answer,
  follow,
  heading,
  onward,
  signIn,
  signInAtHome,
  signUp,
} from '../support/people.ts'
import { type RelyingParty, startRelyingParty } from '../support/relying-party.ts'

const browser = useBrowser()
let app: TestApp
let party: RelyingParty

beforeAll(async () => {
  party = await startRelyingParty({
    client_id: 'relying-party',
    resource_scopes: { [ORDERS]: ['read:orders', 'write:orders', 'admin:orders'] },
    introspect: [ORDERS],
  })
  app = await startApp({}, { ...ordersFile, clients: [...ordersFile.clients, party.registration] })
  await party.connect(app.issuer)
})

afterAll(async () => {
  await party?.close()
  await app?.close()
})

const ORDERS_REQUEST = { scope: 'openid profile read:orders write:orders', resource: ORDERS }

test('sign-up, consent, token, userinfo, refresh, introspection, revocation, sign-out', async () => {
  const page = await browser.open()
  await page.goto(party.signInAt(ORDERS_REQUEST))
  await page.getByRole('link', { name: 'Create account' }).click()
  await signUp(page, { username: 'grace', name: 'Grace Hopper' })
  await answer(page, 'Allow')
  const outcome = await party.arrival(page)
  expect(outcome).toMatchObject({ iss: app.issuer })
  const tokens = await party.tokens(page)
  expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 900, refresh_token: expect.any(String) })

  const jwks = createRemoteJWKSet(new URL(`${app.issuer}/jwks`))
  const options = { issuer: app.issuer, audience: ORDERS, typ: 'at+jwt' }
  const verified = await jwtVerify(tokens.access_token, jwks, options)
  const sub = tokens.claims()?.sub ?? ''
  expect(verified.protectedHeader).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
  expect(verified.payload).toMatchObject({
    sub,
    client_id: 'relying-party',
    scope: 'read:orders write:orders',
    aud: ORDERS,
  })

  const userinfo = await openid.fetchUserInfo(party.openid, tokens.access_token, sub)
  expect(userinfo).toMatchObject({ sub, name: 'Grace Hopper', preferred_username: 'grace' })

  const renewed = await openid.refreshTokenGrant(party.openid, tokens.refresh_token ?? '', {
    resource: ORDERS,
  })
  expect(renewed.refresh_token).not.toBe(tokens.refresh_token)
  await jwtVerify(renewed.access_token, jwks, options)

  const told = await openid.tokenIntrospection(party.openid, renewed.access_token)
  expect(told).toMatchObject({ active: true, sub, aud: ORDERS, client_id: 'relying-party' })
  await openid.tokenRevocation(party.openid, renewed.access_token)
  expect(await openid.tokenIntrospection(party.openid, renewed.access_token)).toEqual({ active: false })
  // One token ended, not the grant.
  expect(await openid.tokenIntrospection(party.openid, tokens.access_token)).toMatchObject({ active: true })

  const leave = {
    post_logout_redirect_uri: `${party.origin}/bye`,
    state: 'bye',
    id_token_hint: tokens.id_token ?? '',
  }
  await page.goto(openid.buildEndSessionUrl(party.openid, leave).href)
  await heading(page, 'Sign out?').waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(`${party.origin}/bye?state=bye`)

  await page.goto(party.signInAt({ ...ORDERS_REQUEST, prompt: 'none' }))
  expect(await party.arrival(page)).toMatchObject({ error: 'login_required' })
  await page.goto(`${app.issuer}/account`)
  await heading(page, 'Sign in').waitFor()
})

test('whoever stays signed in at the sign-out page is signed in', async () => {
  const page = await browser.open()
  const person = await addPerson(app, 'Ida Rhodes')
  await signInAtHome(page, app, person)
  const leave = { client_id: 'relying-party', post_logout_redirect_uri: `${party.origin}/bye` }
  await page.goto(openid.buildEndSessionUrl(party.openid, leave).href)
  await page.getByRole('button', { name: 'Stay signed in' }).click()
  await page.waitForURL(url => url.origin === party.origin)
  await page.goto(`${app.issuer}/account`)
  await heading(page, 'Your account').waitFor()
})

test('who denies goes back with access_denied, and nothing is remembered', async () => {
  const page = await browser.open()
  const person = await addPerson(app, 'Kathleen Booth')
  await page.goto(party.signInAt(ORDERS_REQUEST))
  await signIn(page, person)
  await answer(page, 'Deny')
  expect(await party.arrival(page)).toMatchObject({ error: 'access_denied' })
  await page.goto(`${app.issuer}/account/applications`)
  await page.getByText('No applications yet').waitFor()
})

test('a scope that is unticked is not given, and asked for again the next time', async () => {
  const page = await browser.open()
  const person = await addPerson(app, 'Mary Jackson')
  await page.goto(party.signInAt(ORDERS_REQUEST))
  await signIn(page, person)
  await page.getByRole('checkbox', { name: 'Create and change your orders' }).uncheck()
  await answer(page, 'Allow')
  const tokens = await party.tokens(page)
  expect(tokens.scope).toBe('read:orders')
  const { scope } = await openid.tokenIntrospection(party.openid, tokens.access_token)
  expect(scope).toBe('read:orders')

  await page.goto(party.signInAt(ORDERS_REQUEST))
  await page.getByRole('checkbox', { name: 'Create and change your orders' }).waitFor()
  expect(await page.getByRole('checkbox').count()).toBe(1)
  await answer(page, 'Allow')
  expect((await party.tokens(page)).scope).toBe('read:orders write:orders')
})

test('a restricted scope is not even offered to who lacks the role', async () => {
  const page = await browser.open()
  const person = await addPerson(app, 'Joan Clarke')
  await page.goto(party.signInAt({ scope: 'openid read:orders admin:orders', resource: ORDERS }))
  await signIn(page, person)
  await page.getByRole('checkbox', { name: 'See your orders' }).waitFor()
  expect(await page.getByText("Change anyone's orders").count()).toBe(0)
  await answer(page, 'Allow')
  expect((await party.tokens(page)).scope).toBe('read:orders')
})

test('consent is remembered in every browser, until it is withdrawn', async () => {
  const first = await browser.open()
  const person = await addPerson(app, 'Radia Perlman')
  await first.goto(party.signInAt(ORDERS_REQUEST))
  await signIn(first, person)
  await answer(first, 'Allow')
  const tokens = await party.tokens(first)

  const second = await browser.open()
  await second.goto(party.signInAt(ORDERS_REQUEST))
  await signIn(second, person)
  await party.tokens(second)

  await second.goto(`${app.issuer}/account/applications`)
  await second.getByText('Withdraw access…').click()
  await second.getByRole('button', { name: 'Withdraw access of Relying party' }).click()
  await second.getByText('No applications yet').waitFor()
  expect(await openid.tokenIntrospection(party.openid, tokens.access_token)).toEqual({ active: false })
  await expect(
    openid.refreshTokenGrant(party.openid, tokens.refresh_token ?? '', { resource: ORDERS }),
  ).rejects.toMatchObject({ error: 'invalid_grant' })

  await first.goto(party.signInAt(ORDERS_REQUEST))
  await answer(first, 'Allow')
  await party.tokens(first)
})

test('prompt=consent asks again; prompt=login and max_age=0 want the password again', async () => {
  const page = await browser.open()
  const person = await addPerson(app, 'Barbara Liskov')
  await page.goto(party.signInAt(ORDERS_REQUEST))
  await signIn(page, person)
  await answer(page, 'Allow')
  const { sub } = (await party.tokens(page)).claims() ?? {}

  await page.goto(party.signInAt({ ...ORDERS_REQUEST, max_age: '3600' }))
  expect((await party.tokens(page)).claims()).toMatchObject({ sub, auth_time: expect.any(Number) })

  await page.goto(party.signInAt({ ...ORDERS_REQUEST, prompt: 'consent' }))
  await answer(page, 'Allow')
  await party.tokens(page)

  const again: Record<string, string>[] = [{ prompt: 'login' }, { max_age: '0' }]
  for (const parameters of again) {
    await page.goto(party.signInAt({ ...ORDERS_REQUEST, ...parameters }))
    await signIn(page, person)
    expect((await party.tokens(page)).claims()).toMatchObject({ sub })
  }
})

test('two tabs are two requests of one session', async () => {
  const first = await browser.open()
  const person = await addPerson(app, 'Frances Allen')
  const second = await first.context().newPage()
  for (const tab of [first, second]) await tab.goto(party.signInAt(ORDERS_REQUEST))
  await signIn(first, person)
  await answer(first, 'Allow')
  const { sub } = (await party.tokens(first)).claims() ?? {}
  // Signed in and allowed meanwhile: the other tab has nothing left to ask.
  await second.reload()
  expect((await party.tokens(second)).claims()).toMatchObject({ sub })
})

test('an answer given in one tab is not taken for somebody who signed in in another', async () => {
  const first = await browser.open()
  const [one, other] = [await addPerson(app, 'Annie Easley'), await addPerson(app, 'Betty Holberton')]
  await first.goto(party.signInAt(ORDERS_REQUEST))
  await signIn(first, one)
  await first.getByText(`Signed in as ${one.name}`).waitFor()

  const second = await first.context().newPage()
  await second.goto(`${app.issuer}/account`)
  await follow(second, 'button', 'Sign out')
  await signInAtHome(second, app, other)

  await answer(first, 'Allow')
  await first.getByText('Go back to the application and start again').waitFor()
  await second.goto(`${app.issuer}/account/applications`)
  await second.getByText('No applications yet').waitFor()
})

test('another account can be used on the consent page', async () => {
  const page = await browser.open()
  const [one, other] = [await addPerson(app, 'Ruth Teitelbaum'), await addPerson(app, 'Kay McNulty')]
  await page.goto(party.signInAt(ORDERS_REQUEST))
  await signIn(page, one)
  await onward(page, () => page.getByRole('button', { name: `Not ${one.name}?` }).click())
  await signIn(page, other)
  await page.getByText(`Signed in as ${other.name}`).waitFor()
  await answer(page, 'Allow')
  const tokens = await party.tokens(page)
  const sub = tokens.claims()?.sub ?? ''
  const userinfo = await openid.fetchUserInfo(party.openid, tokens.access_token, sub)
  expect(userinfo.preferred_username).toBe(other.username)
})

test('a person sees every browser, ends one, and ends all others', async () => {
  const person = await addPerson(app, 'Jean Bartik')
  const [mine, second, third] = [await browser.open(), await browser.open(), await browser.open()]
  for (const page of [mine, second, third]) await signInAtHome(page, app, person)
  await second.goto(party.signInAt(ORDERS_REQUEST))
  await answer(second, 'Allow')
  const tokens = await party.tokens(second)

  await mine.goto(`${app.issuer}/account/sessions`)
  const items = mine
    .getByRole('main')
    .getByRole('listitem')
    .filter({ has: mine.getByRole('heading') })
  expect(await items.count()).toBe(3)
  expect(await items.filter({ hasText: 'This browser' }).count()).toBe(1)
  await items.filter({ hasText: 'Relying party' }).getByRole('button', { name: 'End session' }).click()
  await items.nth(2).waitFor({ state: 'detached' })
  expect(await openid.tokenIntrospection(party.openid, tokens.access_token)).toEqual({ active: false })
  await second.goto(`${app.issuer}/account`)
  await heading(second, 'Sign in').waitFor()

  await mine.getByRole('button', { name: 'End all other sessions' }).click()
  await items.nth(1).waitFor({ state: 'detached' })
  await third.goto(`${app.issuer}/account`)
  await heading(third, 'Sign in').waitFor()
  await mine.goto(`${app.issuer}/account`)
  await heading(mine, 'Your account').waitFor()
})

test('without JavaScript everything works', async () => {
  const page = await browser.open({ javaScriptEnabled: false })
  await page.goto(party.signInAt(ORDERS_REQUEST))
  await page.getByRole('link', { name: 'Create account' }).click()
  await signUp(page, { username: 'evelyn', name: 'Evelyn Boyd Granville' })
  await answer(page, 'Allow')
  const tokens = await party.tokens(page)

  await page.goto(`${app.issuer}/account/applications`)
  await page.getByText('4 permissions').click()
  await page.getByText('Create and change your orders').waitFor()
  await page.getByText('Withdraw access…').click()
  await page.getByRole('button', { name: 'Withdraw access of Relying party' }).click()
  await page.getByText('No applications yet').waitFor()
  expect(await openid.tokenIntrospection(party.openid, tokens.access_token)).toEqual({ active: false })
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('link', { name: 'Sign in' }).click()
  await signIn(page, { username: 'evelyn' })
  await heading(page, 'Your account').waitFor()
})
