// The ways through every page, as people meet them. The accessibility test looks at each stop.
import { prepareAdminLink } from '../../src/admin/admin-link.ts'
import type { TestApp } from '../support/app.ts'
import { authorizationRequest } from '../support/authorization.ts'
import type { Page } from '../support/browser.ts'
import { askForCodes, television } from '../support/devices.ts'
import { ORDERS, STOCK } from '../support/orders.ts'
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
import { INITIAL_ACCESS_TOKENS, register } from '../support/registration.ts'
import type { RelyingParty } from '../support/relying-party.ts'

export interface Tour {
  readonly app: TestApp
  readonly party: RelyingParty
  readonly page: Page
  /** Looks at what the page shows now. */
  see(what: string): Promise<void>
}

const REQUEST = { scope: 'openid profile email offline_access read:orders write:orders', resource: ORDERS }

export const tours: Record<string, (tour: Tour) => Promise<void>> = {
  async 'home and sign-in'({ app, page, see }) {
    await page.goto(app.issuer)
    await see('home')
    await follow(page, 'link', 'Sign in')
    await see('sign-in')
    const button = page.getByRole('button', { name: 'Sign in' })
    await onward(page, () => button.click())
    await page.getByText('Enter your username.').last().waitFor()
    await see('sign-in, both fields empty')
    await page.getByLabel('Username').fill('nobody')
    await onward(page, () => button.click())
    await page.getByText('Enter your password.').waitFor()
    await see('sign-in, no password')
    const refused = page.getByText('The username or the password is wrong.')
    const slowed = page.getByText('That was too many tries.')
    // The eleventh is one too many however long they take.
    for (let tries = 0; tries < 11 && !(await slowed.isVisible()); tries++) {
      await page.getByLabel('Password').fill(`wrong ${tries}`)
      await onward(page, () => button.click())
      await refused.or(slowed).waitFor()
      if (tries === 0) await see('sign-in, wrong password')
    }
    await see('sign-in, slowed down')
  },

  async 'sign-up and account'({ app, page, see }) {
    await page.goto(`${app.issuer}/sign-up`)
    await see('sign-up')
    await follow(page, 'button', 'Create account')
    await page.getByText('4 things need another look').waitFor()
    await see('sign-up, everything empty')
    await signUp(page, { username: 'ada', name: 'Another Ada' })
    await page.locator('[aria-invalid]').waitFor()
    await see('sign-up, username taken')
    await signUp(page, { username: 'hedy', name: 'Hedy Lamarr' })
    await heading(page, 'Your account').waitFor()
    await see('account')
    await follow(page, 'link', 'Sessions')
    await see('sessions, only this one')
    await follow(page, 'link', 'Applications')
    await see('applications, none')
    await page.goto(app.issuer)
    await see('home, signed in')
    await page.goto(`${app.issuer}/admin`)
    await heading(page, 'This is not allowed').waitFor()
    await see('problem: not an administrator')
    await page.goto(`${app.issuer}/nowhere`)
    await see('problem: nothing here')
  },

  async 'an authorization request'({ app, party, page, see }) {
    const person = await addPerson(app, 'Margaret Hamilton')
    await page.goto(party.signInAt(REQUEST))
    await see('sign-in for an application')
    await follow(page, 'button', 'Sign in')
    await page.getByText('2 things need another look').waitFor()
    await see('sign-in for an application, both fields empty')
    await follow(page, 'link', 'Create account')
    await see('sign-up for an application')
    await follow(page, 'link', 'Sign in')
    await signIn(page, person)
    await page.getByRole('button', { name: 'Allow' }).waitFor()
    await see('consent')
    await answer(page, 'Allow')
    await party.tokens(page)

    await page.goto(party.signInAt({ scope: 'openid read:stock', resource: STOCK }))
    await page.getByText('Allowed before').click()
    await see('consent, something was allowed before')
    await onward(page, () => page.getByRole('button', { name: 'Not Margaret Hamilton?' }).click())
    await page.getByLabel('Username').waitFor()
    await see('sign-in with another account')
    await page.goBack()
    await answer(page, 'Allow')
    await party.tokens(page)

    await page.goto(`${app.issuer}/account/applications`)
    await see('applications')
    await page.getByText('permissions').click()
    await page.getByText('Withdraw access…').click()
    await see('applications, unfolded')
    await follow(page, 'link', 'Sessions')
    await see('sessions, with an application')

    await page.goto(`${app.issuer}/end_session?client_id=relying-party`)
    await heading(page, 'Sign out?').waitFor()
    await see('sign-out')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await heading(page, 'You are signed out').waitFor()
    await see('signed out')
  },

  async 'a device'({ app, page, see }) {
    const person = await addPerson(app, 'Annie Easley')
    await app.apply({ clients: [television] })
    await page.goto(`${app.issuer}/device`)
    await signIn(page, person)
    await heading(page, 'Connect a device').waitFor()
    await see('device')
    const enter = page.getByRole('button', { name: 'Continue' })
    await enter.click()
    await page.locator('[aria-invalid]').waitFor()
    await see('device, no code')
    for (let tries = 0; tries < 11; tries++) {
      await page.getByLabel('Code').fill('BCDF-GHJK')
      await onward(page, () => enter.click())
      if (tries === 0) await see('device, wrong code')
      if (await page.getByText('That was too many tries.').isVisible()) break
    }
    await see('device, slowed down')
    await app.db.deleteFrom('sign_in_throttle').execute()

    const { verification_uri_complete } = await askForCodes(app.issuer)
    await page.goto(verification_uri_complete)
    await see('device, the code came with the address')
    await enter.click()
    await page.getByRole('button', { name: 'Allow' }).waitFor()
    await see('device, the question')
    await answer(page, 'Allow')
    await heading(page, 'Your device is connected').waitFor()
    await see('device, allowed')

    await page.goto(
      (await askForCodes(app.issuer, television, { scope: 'admin:orders' })).verification_uri_complete,
    )
    await enter.click()
    await page.getByText('Your account has none of the permissions that it asks for.').waitFor()
    await see('device, nothing to give')
    await onward(page, () => page.getByRole('button', { name: 'Not Annie Easley?' }).click())
    await page.getByLabel('Username').waitFor()
    await see('device, another account')
    await page.goBack()
    await answer(page, 'Deny')
    await heading(page, 'Your device is not connected').waitFor()
    await see('device, denied')
    await page.goto(`${app.issuer}/device/over`)
    await heading(page, 'This is over').waitFor()
    await see('problem: the code of a device is over')
  },

  async 'an application that registered itself'({ app, party, page, see }) {
    const person = await addPerson(app, 'Radia Perlman')
    await app.apply({ initial_access_tokens: INITIAL_ACCESS_TOKENS })
    const { body } = await register(app, {
      client_name: 'A partner with a rather long name, as people give them',
      redirect_uris: [`${party.origin}/callback`],
    })
    const request = (params: Record<string, string> = {}) =>
      authorizationRequest(app.issuer, { ...body, redirect_uris: [`${party.origin}/callback`] }, params).url
    await page.goto(request({ prompt: 'none' }))
    await page.getByRole('link', { name: 'Continue' }).waitFor()
    await see('continue to an application that registered itself')
    await page.goto(request({ prompt: 'none', response_mode: 'form_post' }))
    await page.getByRole('button', { name: 'Continue' }).waitFor()
    await see('continue, with a form')
    await page.goto(request())
    await signIn(page, person)
    await page.getByRole('button', { name: 'Allow' }).waitFor()
    await see('consent for an application that registered itself')
  },

  async 'requests that go wrong'({ app, party, page, see }) {
    const unknown = await party.authorizationUrl({ client_id: 'nobody' })
    await page.goto(unknown.href)
    await see('problem: unknown client')
    await page.goto(`${app.issuer}/interaction/over`)
    await see('problem: the request is over')
    await page.goto(`${app.issuer}/admin/first-account?token=wrong`)
    await see('problem: wrong link')
    await page.goto(`${app.issuer}/sign-in`)
    await page.context().clearCookies()
    await page.getByRole('button', { name: 'Sign in' }).click()
    await heading(page, 'This form cannot be used any more').waitFor()
    await see('problem: old form')
    await page.goto(app.issuer.replace('localhost', '127.0.0.1'))
    await heading(page, 'This is not the right address').waitFor()
    await see('problem: another name of this machine')
    await page.getByRole('link', { name: 'Go to the home page' }).click()
    await page.waitForURL(`${app.issuer}/`)
  },

  async 'the first administrator'({ app, page, see }) {
    const path = await prepareAdminLink(app.db, app.keyring)
    await page.goto(`${app.issuer}${path}`)
    await see('first administrator')
    await page.getByRole('button', { name: 'Create account' }).click()
    await page.getByText('4 things need another look').waitFor()
    await see('first administrator, everything empty')
    await signUp(page, { username: 'root-of-all', name: 'Root Of All' })
    await heading(page, 'Administration').waitFor()
    await see('administration')
    await page.getByRole('link', { name: 'See all accounts' }).click()
    await heading(page, 'Accounts').waitFor()
    await see('accounts')
    await page.getByLabel('Username begins with').fill('nobody at all')
    await page.getByRole('button', { name: 'Find' }).click()
    await page.getByText('No accounts').waitFor()
    await see('accounts, none found')
    await page.goto(`${app.issuer}/admin/accounts?username=root-of-all`)
    await page.getByRole('link', { name: 'Root Of All' }).click()
    await page.getByText('This is your own account').waitFor()
    await see('an account, one’s own')
    const person = await addPerson(app, 'Mary Jackson')
    await page.goto(`${app.issuer}/admin/accounts?username=${person.username}`)
    await page.getByRole('link', { name: 'Mary Jackson' }).click()
    await heading(page, 'Mary Jackson').waitFor()
    await see('an account')
    await page.getByRole('link', { name: 'Delete' }).click()
    await heading(page, `Delete ${person.username}?`).waitFor()
    await see('deleting an account')
    await follow(page, 'link', 'Keep account')
    await follow(page, 'link', 'Disable')
    await heading(page, `Disable ${person.username}?`).waitFor()
    await see('disabling an account')
    await page.getByRole('button', { name: 'Disable' }).click()
    await page.getByText('This account is disabled').waitFor()
    await see('an account, disabled')
  },

  async 'sessions in two browsers'({ app, page, see }) {
    const person = await addPerson(app, 'Dorothy Vaughan')
    await signInAtHome(page, app, person)
    await page.context().clearCookies()
    await signInAtHome(page, app, person)
    await page.goto(`${app.issuer}/account/sessions`)
    await page.getByRole('button', { name: 'End all other sessions' }).waitFor()
    await see('sessions, two')
    await page.getByRole('link', { name: 'Revoke everything…' }).click()
    await heading(page, 'Revoke everything?').waitFor()
    await see('revoking everything')
    await page.getByRole('button', { name: 'Revoke everything' }).click()
    await heading(page, 'Sign in').waitFor()
  },
}
