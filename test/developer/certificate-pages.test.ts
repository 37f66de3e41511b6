// The pages of a client's certificates: registering one, what is shown of it, revoking it.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Agent, Page } from '../support/agent.ts'
import { callerWith } from '../support/api-callers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { type Authority, createAuthority, createSelfSigned, type Holder } from '../support/certificates.ts'
import { BEHIND_PROXY, shown } from '../support/certified.ts'
import { parse } from '../support/html.ts'
import { ORDERS, ordersFile, STOCK } from '../support/orders.ts'
import { errorsOf, signedInAgent } from '../support/signed-in-agent.ts'

const LIST = '/clients/billing/certificates'

let app: TestApp
let ada: Agent
let authority: Authority
beforeAll(async () => {
  app = await startApp(BEHIND_PROXY, ordersFile)
  ada = await signedInAgent(app, 'ada')
  authority = createAuthority({ subject: '/O=Acme/CN=Acme authority' })
})
afterAll(() => app?.close())

type Fields = Record<string, string | readonly string[]>

const FIELDS = { name: 'Nightly export', env: 'live', scope: [`${ORDERS} read:orders`], expires_in: 'never' }

async function register(fields: Fields): Promise<Page> {
  const form = await ada.get(`${LIST}/new`)
  return ada.submit(form, { ...FIELDS, ...fields }, { button: 'Register a certificate' })
}

const kindOf = async (holder: Holder) =>
  (await callerWith(app, shown(holder)).call('GET', '/v1/credentials/self')).json().kind

it("the client's page leads to them, and says what they are for", async () => {
  expect((await ada.get('/clients/billing')).text).toContain(`href="${LIST}"`)
  const page = await ada.get(LIST)
  expect(page.text).toContain('No certificates yet')
  expect(page.text).toContain(`href="${LIST}/new"`)
  const offered = parse((await ada.get(`${LIST}/new`)).text).forms.flatMap(form => form.checkboxes)
  expect(offered.map(({ value }) => value)).toContain(`${ORDERS} read:orders`)
  expect(offered.map(({ value }) => value)).not.toContain(`${STOCK} read:stock`)
})

it('one is registered by pasting it, shown with all that it says, and revoked', async () => {
  const holder = authority.issue({
    subject: '/O=Acme, Inc./CN=billing',
    names: [{ dns: 'billing.example.com' }, { uri: 'spiffe://example.com/billing' }],
  })
  const made = await register({ certificate: holder.cert.replaceAll('\n', '\r\n') })
  expect(made.location).toMatch(new RegExp(`^${app.issuer}${LIST}/\\w{16}$`))
  const page = await ada.get(made.location ?? '')
  for (const text of [
    'Nightly export',
    holder.thumbprint,
    'CN=billing,O=Acme\\, Inc.',
    'billing.example.com',
    'spiffe://example.com/billing',
    'read:orders',
    'Valid until',
  ])
    expect(page.text).toContain(text)
  expect(page.text).not.toContain('/rotate')
  expect(await kindOf(holder)).toBe('client-certificate')
  expect((await ada.get(LIST)).text).toContain(holder.thumbprint.slice(0, 12))

  const asking = await ada.get(`${made.location}/revoke`)
  expect(asking.text).toContain('Revoke <bdi')
  await ada.submit(asking, {}, { button: 'Revoke' })
  expect(await kindOf(holder)).toBeUndefined()
  expect((await ada.get(made.location ?? '')).text).toContain('Revoked')
  expect((await ada.get(`${made.location}/revoke`)).status).toBe(404)
})

it('any that an authority issues for a name is registered by both', async () => {
  const made = await register({ ca: authority.cert, san_type: 'uri', san: ' spiffe://example.com/jobs ' })
  const page = await ada.get(made.location ?? '')
  for (const text of ['CN=Acme authority,O=Acme', 'spiffe://example.com/jobs', 'Name in the certificate'])
    expect(page.text).toContain(text)
  expect((await ada.get(LIST)).text).toContain('uri:spiffe://example.com/jobs')
  expect(await kindOf(authority.issue({ names: [{ uri: 'spiffe://example.com/jobs' }] }))).toBe(
    'client-certificate',
  )
})

describe('what is refused keeps what was typed, and says what is wrong where it is wrong', () => {
  it.each<[string, () => Fields, Record<string, unknown>]>([
    ['nothing', () => ({}), { certificate: expect.stringContaining('is missing: give one') }],
    [
      'a private key',
      () => ({ certificate: createSelfSigned().key }),
      { certificate: expect.stringContaining('has a private key in it') },
    ],
    [
      'both',
      () => ({ certificate: createSelfSigned().cert, ca: authority.cert, san: 'a.example' }),
      { ca: expect.stringContaining('together'), san: expect.stringContaining('together') },
    ],
    [
      'an authority that is none, and a name that is none',
      () => ({ ca: createSelfSigned().cert, san_type: 'dns', san: 'a b' }),
      {
        ca: expect.stringContaining('authority'),
        san: 'Name in the certificate must be a host name, such as billing.example.com.',
      },
    ],
    [
      'no name',
      () => ({ name: ' ', certificate: createSelfSigned().cert }),
      { name: 'Name must not be empty.' },
    ],
    [
      'no scope',
      () => ({ scope: [], certificate: createSelfSigned().cert }),
      { scope: 'Choose at least one.' },
    ],
    [
      'a kind of name that there is not',
      () => ({ ca: authority.cert, san_type: 'toString', san: 'x' }),
      { san: expect.stringContaining('must have one of') },
    ],
  ])('%s', async (_what, fields, errors) => {
    const page = await register({ description: 'typed', ...fields() })
    expect([page.status, errorsOf(page)]).toEqual([422, errors])
    expect(page.text).toContain('value="typed"')
  })

  it('one that is registered already', async () => {
    const { cert } = createSelfSigned()
    await register({ certificate: cert })
    const page = await register({ certificate: cert })
    expect(page.status).toBe(422)
    expect(page.text).toContain('This certificate is registered already')
  })
})

it("are nobody else's business", async () => {
  const { location = '' } = await register({ certificate: createSelfSigned().cert })
  const bob = await signedInAgent(app, 'bob')
  for (const path of [LIST, `${LIST}/new`, location, `${location}/revoke`])
    expect((await bob.get(path)).status).toBe(404)
  const elsewhere = location.replace('/billing/', '/orders-web/')
  for (const path of [elsewhere, `${elsewhere}/revoke`]) expect((await ada.get(path)).status).toBe(404)
  for (const id of ['nothing', '0000000000000000', 'a'.repeat(3000)])
    expect((await ada.get(`${LIST}/${id}`)).status).toBe(404)
})
