// The ways through the pages of tokens, clients, keys and resources. The accessibility test looks at each stop.
import { expect } from '@jest/globals'
import type { Page } from '../support/browser.ts'
import { createCertificate } from '../support/certificate.ts'
import { makeCertificate } from '../support/client-certificates.ts'
import { EC, ED, keySet, PRIVATE_EC } from '../support/client-settings.ts'
import { allKnow } from '../support/minted.ts'
import { signedInMinutesAgo } from '../support/minutes-pass.ts'
import { ORDERS } from '../support/orders.ts'
import { addPerson, focused, follow, heading, onward, signInAtHome } from '../support/people.ts'
import { makeSigningKey } from '../support/signing.ts'
import type { Tour } from './every-page.ts'

/** A button of a form, all of which lead to a page. */
const press = (page: Page, name: string) =>
  onward(page, () => page.getByRole('button', { name, exact: true }).last().click())

async function signInAsOwner({ app, page }: Tour): Promise<void> {
  const person = await addPerson(app, 'Barbara Liskov')
  const organization = {
    id: 'liskov',
    name: 'Liskov',
    members: [{ account: person.username, role: 'owner' }],
  }
  await app.apply({ organizations: [organization] })
  await signInAtHome(page, app, person)
}

export const developerTours: Record<string, (tour: Tour) => Promise<void>> = {
  async 'personal access tokens'({ app, page, see }) {
    await signInAtHome(page, app, await addPerson(app, 'Frances Allen'))
    await follow(page, 'link', 'Tokens')
    await see('tokens, none')
    await follow(page, 'link', 'Create token')
    await see('new token')
    await page.getByText('More limits').click()
    await page.getByLabel('Expires').selectOption('date')
    await see('new token, everything unfolded')
    await page.getByLabel('Last day (UTC)').fill('2099-01-01')
    await page.getByLabel('Allowed addresses').fill('10.0.0.0/99')
    await press(page, 'Create token')
    await page.getByText('3 things need another look').waitFor()
    await see('new token, refused')
    await page.getByLabel('Name').fill('Nightly export')
    await page.getByLabel('Expires').selectOption('604800')
    await page.getByLabel('Allowed addresses').fill('10.0.0.0/8')
    await page.getByLabel('See your orders').check()
    await press(page, 'Create token')
    await heading(page, 'Your new token').waitFor()
    await see('the new token')
    await follow(page, 'link', 'Done')
    await see('tokens, one')
    await follow(page, 'link', 'Nightly export')
    await see('a token, never used')
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? ''
    const use = { credential_id: id, hour: new Date() } as const
    await app.db
      .insertInto('credential_usage')
      .values([
        { ...use, outcome: 'success', count: '12' },
        { ...use, outcome: 'refused', count: '3' },
      ])
      .execute()
    await page.reload()
    await page.getByText('Show as a table').click()
    await see('a token and its use')
    await follow(page, 'link', 'Rotate')
    await see('rotating a token')
    await signedInMinutesAgo(app, 20)
    await press(page, 'Rotate')
    await heading(page, 'Is it still you?').waitFor()
    await see('asked for the password once more')
    await page.getByLabel('Password').fill('wrong password')
    await press(page, 'Go on')
    await page.getByText('The password is wrong.').waitFor()
    await see('asked for the password once more, wrong')
    await page.getByLabel('Password').fill('correct horse battery staple')
    await press(page, 'Go on')
    await heading(page, 'The new secret').waitFor()
    await see('the new secret of a token')
    await follow(page, 'link', 'Done')
    await see('a token, rotated')
    await follow(page, 'link', 'Revoke')
    await see('revoking a token')
    await press(page, 'Revoke')
    await page.getByText('Revoked').waitFor()
    await see('a token, revoked')
    await follow(page, 'link', 'Personal access tokens')
    await see('tokens, one revoked')
  },

  async 'clients, their secrets and keys'(tour) {
    const { app, page, see } = tour
    await signInAsOwner(tour)
    await follow(page, 'link', 'Clients')
    await see('clients, none')
    await follow(page, 'link', 'Register a client')
    await see('what kind of client')
    for (const kind of ['web_server', 'single_page', 'mobile', 'command_line', 'device', 'service']) {
      await page.goto(`${app.issuer}/clients/new?kind=${kind}`)
      await see(`new client, ${kind}`)
    }
    await page.goto(`${app.issuer}/clients/new?kind=web_server`)
    await page.getByLabel('Redirect URIs').fill('http://app.example.com/*')
    await press(page, 'Register')
    await page.locator('[aria-invalid]').first().waitFor()
    await see('new client, refused')
    await page.getByLabel('Name').fill('Shop')
    await page.getByLabel('Redirect URIs').fill('https://app.example.com/callback')
    await press(page, 'Register')
    await heading(page, 'It is registered').waitFor()
    await see('a client was registered')
    await follow(page, 'link', 'Go to the client')
    await heading(page, 'Shop').waitFor()
    await see('a client')
    const client = page.url()
    await follow(page, 'link', 'Edit')
    await page.getByText('More settings').click()
    await see('editing a client')
    await page.goto(`${client}/secrets/new`)
    await see('adding a secret')
    await press(page, 'Add secret')
    await heading(page, 'The new secret').waitFor()
    await see('the new secret of a client')
    await page.goto(client)
    await onward(page, () =>
      page
        .getByRole('link', { name: /^Retire/ })
        .first()
        .click(),
    )
    await see('retiring a secret')
    await page.goto(`${client}/keys`)
    await see('keys, none')
    await page.goto(`${client}/keys/new`)
    await see('new key, nothing to give')
    await page.goto(`${client}/signing-secrets`)
    await see('signing secrets, none')
    await page.goto(`${client}/signing-secrets/new`)
    const publicKey = page.getByLabel('Public key')
    expect(await publicKey.isVisible()).toBe(false)
    await see('new signing secret')
    await page.getByLabel('A key of its own (Ed25519)').check()
    expect(await publicKey.isVisible()).toBe(true)
    await see('new signing secret, with a public key')
    await page.goto(`${client}/delete`)
    await see('deleting a client')
    await page.goto(client)
    await follow(page, 'link', 'Revoke what it holds…')
    await page.getByText('It holds nothing').waitFor()
    await see('revoking what a client holds, nothing')
    const service = { client_id: 'liskov-nightly', client_secret: 'x'.repeat(40), organization: 'liskov' }
    await app.apply({ clients: [{ ...service, grant_types: ['client_credentials'] }] })
    await page.goto(`${app.issuer}/clients/liskov-nightly/revoke`)
    await see('revoking what a client holds')
    await follow(page, 'button', 'Revoke all of this')
    await page.getByRole('link', { name: 'Revoke what it holds…' }).waitFor()
    const resource_scopes = { [ORDERS]: ['read:orders'] }
    await app.apply({ clients: [{ ...service, grant_types: ['client_credentials'], resource_scopes }] })
    await allKnow(app)
    const owner = { type: 'client' as const, id: service.client_id }
    const { id } = await makeSigningKey(app, { owner, scopes: resource_scopes })
    await page.goto(`${app.issuer}/clients/${owner.id}/signing-secrets`)
    await see('signing secrets, one')
    await page.goto(`${app.issuer}/clients/${owner.id}/signing-secrets/${id}`)
    await see('a signing secret with a public key')
    await page.goto(`${app.issuer}/clients/${owner.id}/signing-secrets/${id}/rotate`)
    await see('another public key for a signing secret')
    await page.goto(`${app.issuer}/clients/${owner.id}/certificates`)
    await see('certificates, none')
    await page.goto(`${app.issuer}/clients/${owner.id}/certificates/new`)
    await page.getByText('Or any that an authority issues').click()
    await page.getByLabel('Authority').fill('no certificate')
    await press(page, 'Register a certificate')
    await page.locator('[aria-invalid]').first().waitFor()
    const mistakes = await page.locator('.error-list a').allInnerTexts()
    const wrong = mistakes.map(text => text.split(':')[0])
    expect(wrong).toEqual(['Name', 'Authority', 'Name in the certificate', 'Scopes'])
    await see('a new certificate, refused')
    await makeCertificate(
      app,
      { certificate: createCertificate('jobs.example.com').cert },
      { owner, scopes: resource_scopes },
    )
    await page.goto(`${app.issuer}/clients/${owner.id}/certificates`)
    await see('certificates, one')
    await follow(page, 'link', 'billing on its machine')
    await page.getByText('SHA-256 thumbprint').waitFor()
    await see('a certificate')
    await follow(page, 'link', 'Revoke')
    await see('revoking a certificate')
    await page.goto(`${client}/disable`)
    await see('disabling a client')
    await press(page, 'Disable')
    await page.getByText('This client is disabled').waitFor()
    await see('a client, disabled')
    await page.goto(`${app.issuer}/clients`)
    await see('clients, one')
  },

  async 'a client with a key of its own'(tour) {
    const { app, page, see } = tour
    await signInAsOwner(tour)
    await page.goto(`${app.issuer}/clients/new?kind=web_server`)
    const keys = page.getByLabel('Public keys', { exact: true })
    const logout = page.getByLabel('Address to tell of sign-outs')
    expect(await keys.isVisible()).toBe(false)
    await page.getByLabel('Name').fill('Shop')
    await page.getByLabel('Redirect URIs').fill('https://app.example.com/callback')
    await page.getByLabel('With a key of its own').check()
    await page.getByText('More settings').click()
    await page.getByLabel('Requests are sent ahead').check()
    await page.getByLabel('Tokens are bound to a key').check()
    await keys.fill(JSON.stringify(keySet(PRIVATE_EC)))
    await logout.fill('http://app.example.com/signed-out')
    await see('new client with a key, everything unfolded')
    await press(page, 'Register')
    await page.getByText('2 things need another look').waitFor()
    await focused(page, 'jwks')
    await see('new client with a key, refused')
    await keys.fill(JSON.stringify(keySet(EC, ED)))
    await logout.fill('https://app.example.com/signed-out')
    await press(page, 'Register')
    await heading(page, 'It is registered').waitFor()
    await see('a client with a key was registered')
    await follow(page, 'link', 'Go to the client')
    await page.getByText('so it has no secret').waitFor()
    await see('a client with a key')
    await follow(page, 'link', 'Edit')
    await see('editing a client with a key')
    await page.getByLabel('With a secret').check()
    expect(await keys.isVisible()).toBe(false)
    await press(page, 'Save changes')
    await page.getByText('It has no secret now').waitFor()
    await see('a client that has its first secret yet to come')
  },

  async 'a client with a certificate'(tour) {
    const { app, page, see } = tour
    await signInAsOwner(tour)
    await page.goto(`${app.issuer}/clients/new?kind=service`)
    const value = page.getByLabel('What stands there?')
    const certificates = page.getByLabel('Certificates', { exact: true })
    expect(await value.isVisible()).toBe(false)
    await page.getByLabel('Name').fill('Nightly')
    await page.getByLabel('With a certificate of an authority').check()
    expect([await value.isVisible(), await certificates.isVisible()]).toEqual([true, false])
    await press(page, 'Register')
    await page.locator('[aria-invalid]').first().waitFor()
    await see('new client with a certificate by a name, refused')
    await value.fill('nightly.liskov.example')
    await press(page, 'Register')
    await heading(page, 'It is registered').waitFor()
    await see('a client with a certificate was registered')
    await follow(page, 'link', 'Go to the client')
    await page.getByText('This name stands in it').waitFor()
    await see('a client with a certificate by a name')
    await follow(page, 'link', 'Edit')
    await page.getByLabel('With certificates that you register here').check()
    expect([await value.isVisible(), await certificates.isVisible()]).toEqual([false, true])
    await certificates.fill(createCertificate('nightly.liskov.example').cert)
    await page.getByText('More settings').click()
    await page.getByLabel('Tokens are bound to its certificate').check()
    await see('editing a client with certificates')
    await press(page, 'Save changes')
    await page.getByText('It shows one of these when it connects').waitFor()
    await see('a client with certificates')
  },

  async resources(tour) {
    const { app, page, see } = tour
    await signInAsOwner(tour)
    await follow(page, 'link', 'Resources')
    await see('resources, none')
    await follow(page, 'link', 'Register a resource')
    await see('new resource')
    await press(page, 'Register')
    await page.locator('[aria-invalid]').first().waitFor()
    await see('new resource, refused')
    await page.getByLabel('Identifier').fill('https://shop.example.com')
    await page.getByLabel('Name', { exact: true }).first().fill('Shop API')
    const row = page.getByRole('group', { name: 'Scope 1' })
    await row.getByLabel('Name').fill('read:shop')
    await row.getByLabel('Description').fill('See the shop')
    await press(page, 'More rows')
    await page.getByRole('group', { name: 'Scope 5' }).waitFor()
    await onward(page, () => page.getByLabel('Identifier').press('Enter'))
    await heading(page, 'Shop API').waitFor()
    await see('a resource')
    await follow(page, 'link', 'Edit')
    await see('editing a resource')
    await page.goto(`${app.issuer}/resources/https%3A%2F%2Fshop.example.com/delete`)
    await see('deleting a resource')
    await page.goto(`${app.issuer}/resources`)
    await see('resources, one')
    await page.goto(`${app.issuer}/resources/${encodeURIComponent(ORDERS)}`)
    await heading(page, 'There is nothing here').waitFor()
    await see("problem: somebody else's resource")
  },
}
