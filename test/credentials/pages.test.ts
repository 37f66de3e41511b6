import { createHash, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import type { Agent, Page } from '../support/agent.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { createCertificate } from '../support/certificate.ts'
import { parse } from '../support/html.ts'
import { ORDERS, ordersFile, STOCK } from '../support/orders.ts'
import { errorsOf, shownOnce, signedInAgent } from '../support/signed-in-agent.ts'

let app: TestApp
let ada: Agent
let bob: Agent
beforeAll(async () => {
  app = await startApp({}, ordersFile)
  ada = await signedInAgent(app, 'ada')
  bob = await signedInAgent(app, 'bob')
})
afterAll(() => app?.close())

const FIELDS = {
  name: 'Nightly export',
  description: 'From the cron job',
  env: 'live',
  scope: [`${ORDERS} read:orders`, `${STOCK} read:stock`],
  expires_in: '2592000',
}

type Fields = Record<string, string | readonly string[]>

async function create(person: Agent, fields: Fields = {}): Promise<Page> {
  const form = await person.get('/account/tokens/new')
  return person.submit(form, { ...FIELDS, ...fields }, { button: 'Create token' })
}

const PEM = (base64: string) => `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`

/** Those that are bound, oldest first. */
const boundTokens = () =>
  app.db
    .selectFrom('minted_token')
    .select(['id', 'cnf'])
    .where('cnf', 'is not', null)
    .orderBy('created_at')
    .execute()

const idOf = (token: string) => token.split('_')[3] ?? ''

const self = (token: string) =>
  fetch(`${app.issuer}/v1/credentials/self`, { headers: { authorization: `Bearer ${token}` } })

describe('personal access tokens', () => {
  it('are for people who are signed in', async () => {
    for (const path of ['/account/tokens', '/account/tokens/new', '/account/tokens/0000000000000000']) {
      const page = await app.agent().get(path)
      expect(page.location).toBe(`${app.issuer}/sign-in?return_to=${encodeURIComponent(path)}`)
    }
    const page = await app.agent().post('/account/tokens', FIELDS)
    expect(page.location).toBe(`${app.issuer}/sign-in?return_to=%2Faccount%2Ftokens`)
  })

  it('say what they are for when there are none', async () => {
    const page = await bob.get('/account/tokens')
    expect(page.text).toContain('No tokens yet')
    expect(page.text).toContain('href="/account/tokens/new"')
  })

  it('offer only the scopes that the person may have now', async () => {
    const offered = async (person: Agent) =>
      parse((await person.get('/account/tokens/new')).text)
        .forms.flatMap(form => form.checkboxes)
        .filter(({ name }) => name === 'scope')
        .map(({ value }) => value)
    expect(await offered(ada)).toContain(`${ORDERS} admin:orders`)
    expect(await offered(ada)).toContain(`${app.issuer}/v1 clients:write`)
    const bobs = await offered(bob)
    expect(bobs).toContain(`${ORDERS} read:orders`)
    expect(bobs).not.toContain(`${ORDERS} admin:orders`)
    expect(bobs).not.toContain(`${app.issuer}/v1 clients:write`)
  })

  it('are shown once, with a command that uses them, and never again', async () => {
    const made = await create(ada)
    expect(made.status).toBe(201)
    expect(made.headers.get('cache-control')).toBe('no-store')
    const token = shownOnce(made)
    expect(token).toMatch(/^lk_live_pat_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}$/)
    expect(shownOnce(made, 'secret-example')).toBe(
      `curl -H 'Authorization: Bearer ${token}' ${app.issuer}/v1/credentials/self`,
    )
    const answer = await self(token)
    expect([answer.status, await answer.json()]).toEqual([
      200,
      expect.objectContaining({ kind: 'personal-access-token', credential_id: idOf(token) }),
    ])
    for (const path of ['/account/tokens', `/account/tokens/${idOf(token)}`]) {
      const page = await ada.get(path)
      expect(page.text).toContain(`lk_live_pat_…${token.slice(-4)}`)
      expect(page.text).toContain('Nightly export')
      expect(page.text).not.toContain(token.slice(0, -6).slice(-43))
    }
  })

  it('keep what was typed when it is refused, and say what is wrong where it is wrong', async () => {
    const page = await create(ada, {
      name: ' ',
      description: 'typed',
      scope: [],
      allowed_addresses: '203.0.113.7\n10.0.0.0/99',
      rate_limit_requests: '5',
      rate_limit_seconds: '60',
    })
    expect(page.status).toBe(422)
    expect(errorsOf(page)).toEqual({
      name: 'Name must not be empty.',
      scope: 'Choose at least one.',
      allowed_addresses: expect.stringMatching(/^“10\.0\.0\.0\/99” must be an address or a CIDR range/),
    })
    expect(page.text).toContain('value="typed"')
    expect(page.text).toContain('203.0.113.7\n10.0.0.0/99')
    expect(page.text).toContain('<title>Error: New token')
    const chosen = await create(ada, { name: '', scope: [`${ORDERS} read:orders`] })
    expect(parse(chosen.text).forms.flatMap(form => form.checkboxes)).toContainEqual({
      name: 'scope',
      value: `${ORDERS} read:orders`,
      checked: true,
    })
  })

  it.each<[string, Fields, Record<string, unknown>]>([
    [
      'a day that has no date',
      { expires_in: 'date', expires_at: '' },
      { expires_at: 'Last day (UTC) is missing.' },
    ],
    [
      'a day that is not in the calendar',
      { expires_in: 'date', expires_at: '2027-02-31' },
      { expires_at: 'Last day (UTC) is not a day of the calendar.' },
    ],
    [
      'a day beyond the maximum',
      { expires_in: 'date', expires_at: '2099-01-01' },
      { expires_at: expect.stringMatching(/^Last day \(UTC\) must be .* or earlier\.$/) },
    ],
    [
      'no end',
      { expires_in: 'never' },
      { expires_in: expect.stringMatching(/^Expires must be .* or earlier\.$/) },
    ],
    ['a choice that is none', { expires_in: 'soon' }, { expires_in: 'Expires must be one of the choices.' }],
    [
      'a limit that is no number',
      { rate_limit_requests: '1e3', rate_limit_seconds: '60' },
      { rate_limit_requests: 'Requests at most must be a whole number.' },
    ],
    ['an environment that there is not', { env: 'moon' }, { env: 'Environment must be live or test.' }],
    [
      'a scope that the person lacks',
      { scope: [`${ORDERS} admin:all`] },
      { scope: expect.stringContaining('is not a scope that the account may have now') },
    ],
    [
      'a resource that there is not',
      { scope: ['https://nowhere.example x'] },
      { scope: expect.stringContaining('is not a resource') },
    ],
    ['scopes that are none', { scope: ['__proto__', ' ', 'a'] }, { scope: expect.anything() }],
    [
      'a name with control characters',
      { name: 'a\u0007b' },
      { name: 'Name must not have control characters.' },
    ],
    ['a name of 10 kB', { name: 'x'.repeat(10_000) }, { name: 'Name must have at most 200 characters.' }],
  ])('are refused with %s', async (_what, fields, errors) => {
    const before = (await ada.get('/account/tokens')).text.match(/lk_live_pat_/g)?.length
    const page = await create(ada, fields)
    expect([page.status, errorsOf(page)]).toEqual([422, errors])
    expect((await ada.get('/account/tokens')).text.match(/lk_live_pat_/g)?.length).toBe(before)
  })

  it('may be bound to a certificate, pasted or by its fingerprint, and to a DPoP key', async () => {
    const { cert } = createCertificate('laptop.example')
    const { raw, fingerprint256 } = new X509Certificate(cert)
    const thumbprint = createHash('sha256').update(raw).digest('base64url')
    const jkt = 'yOBRTLmcfYWRTp9Aa0RHFjSqbAuN8M3dZ0RgkmtZJbc'
    const bound = async (fields: Fields) => {
      const made = await create(ada, fields)
      const { id } = (await boundTokens()).at(-1) ?? { id: '' }
      return { made, cnf: (await boundTokens()).at(-1)?.cnf, page: await ada.get(`/account/tokens/${id}`) }
    }
    const pasted = await bound({ cnf_certificate: cert.replaceAll('\n', '\r\n') })
    expect(pasted.cnf).toEqual({ 'x5t#S256': thumbprint })
    expect(shownOnce(pasted.made, 'secret-example')).toContain(
      'curl --cert client.pem --key client-key.pem -H',
    )
    expect(pasted.page.text).toContain(thumbprint)
    const written = await bound({ cnf_certificate: `SHA256 Fingerprint=${fingerprint256}\n`, cnf_jkt: jkt })
    expect(written.cnf).toEqual({ 'x5t#S256': thumbprint, jkt })
    expect(written.made.text).not.toContain('secret-example')
    expect(written.page.text).toContain(jkt)
    expect((await bound({ cnf_certificate: ` ${thumbprint} ` })).cnf).toEqual({ 'x5t#S256': thumbprint })
  })

  it.each<[string, Fields, Record<string, unknown>]>([
    [
      'a certificate that is none',
      { cnf_certificate: 'x' },
      { cnf_certificate: /must be a certificate in PEM/ },
    ],
    ['a broken one', { cnf_certificate: PEM('AAAA') }, { cnf_certificate: /must be a certificate in PEM/ }],
    ['two', { cnf_certificate: PEM('AAAA') + PEM('AAAA') }, { cnf_certificate: /must be one certificate/ }],
    [
      'a private key beside it',
      { cnf_certificate: `${PEM('AAAA')}-----BEGIN PRIVATE KEY-----` },
      { cnf_certificate: /has a private key in it/ },
    ],
    ['a DPoP key that is none', { cnf_jkt: 'short' }, { cnf_jkt: /^DPoP key must be a SHA-256 thumbprint/ }],
  ])('are not bound to %s', async (_what, fields, errors) => {
    const page = await create(ada, fields)
    const expected = Object.entries(errors).map(([name, text]) => [
      name,
      expect.stringMatching(text as RegExp),
    ])
    expect([page.status, errorsOf(page)]).toEqual([422, Object.fromEntries(expected)])
    expect(page.text).toContain('<details class="disclosure" open')
  })

  it('may live as long as the operator allows, to the last choice of the form', async () => {
    const form = await ada.get('/account/tokens/new')
    const choices = [...form.text.matchAll(/<option[^>]* value="(\d+)"/g)].map(([, value]) => Number(value))
    const longest = Math.max(...choices.filter(value => value > 100_000))
    expect(longest).toBe(366 * 86_400)
    expect((await create(ada, { expires_in: String(longest) })).status).toBe(201)
    expect((await create(ada, { expires_in: 'date', expires_at: dayIn(30) })).status).toBe(201)
  })

  it('rotate: the old secret works until the new one was used, or ends at once', async () => {
    const old = shownOnce(await create(ada))
    const path = `/account/tokens/${idOf(old)}`
    const rotate = async (grace: string) =>
      ada.submit(await ada.get(`${path}/rotate`), { grace_seconds: grace }, { button: 'Rotate' })
    const rotated = shownOnce(await rotate('86400'))
    expect(idOf(rotated)).toBe(idOf(old))
    expect((await ada.get(path)).text).toContain('The new secret has not been used yet')
    expect([(await self(old)).status, (await self(rotated)).status]).toEqual([200, 200])
    expect((await ada.get(path)).text).toContain('still works until')
    const last = shownOnce(await rotate('immediately'))
    expect([(await self(rotated)).status, (await self(last)).status]).toEqual([401, 200])
    expect((await rotate('x')).status).toBe(400)
  })

  it('are revoked after a page that names them, and then cannot be changed', async () => {
    const token = shownOnce(await create(ada, { name: 'Old laptop <b>' }))
    const path = `/account/tokens/${idOf(token)}`
    const confirm = await ada.get(`${path}/revoke`)
    expect(parse(confirm.text).text).toContain('Whatever uses Old laptop <b> stops working at once')
    const done = await ada.submit(confirm, {}, { button: 'Revoke' })
    expect(done.location).toBe(`${app.issuer}${path}`)
    expect((await self(token)).status).toBe(401)
    const page = await ada.get(path)
    expect(page.text).toContain('Revoked')
    expect(page.text).not.toContain(`${path}/rotate`)
    expect((await ada.get(`${path}/rotate`)).status).toBe(404)
    expect((await ada.get(`${path}/revoke`)).status).toBe(404)
  })

  it("are nobody else's business", async () => {
    const token = shownOnce(await create(ada))
    const path = `/account/tokens/${idOf(token)}`
    const own = parse((await bob.get('/account/tokens/new')).text).forms.find(form => form.hidden.csrf)
    for (const wrong of [path, `${path}/rotate`, `${path}/revoke`]) {
      expect((await bob.get(wrong)).status).toBe(404)
      if (wrong !== path) expect((await bob.post(wrong, { csrf: own?.hidden.csrf ?? '' })).status).toBe(404)
    }
    expect((await self(token)).status).toBe(200)
  })

  it('need the CSRF token for every form', async () => {
    const token = shownOnce(await create(ada))
    for (const path of ['', `/${idOf(token)}/rotate`, `/${idOf(token)}/revoke`])
      expect((await ada.post(`/account/tokens${path}`, { ...FIELDS, csrf: 'x' })).status).toBe(403)
    expect((await self(token)).status).toBe(200)
  })

  it('answer what no id can be with 404', async () => {
    for (const id of ['%00', '%ff', '%ED%A0%80', 'x', 'a'.repeat(300)])
      expect((await ada.get(`/account/tokens/${id}`)).status).toBeLessThan(500)
    expect((await ada.get('/account/tokens?cursor=%00')).status).toBeLessThan(500)
    expect((await ada.get('/account/tokens?cursor=x')).status).toBe(400)
  })

  it('are listed a page at a time', async () => {
    await sql`
      INSERT INTO minted_token
        (id, account_id, prefix, env, last4, secret_hash, hashed_with, name, scopes, created_at)
      SELECT lpad(n::text, 16, '0'), account.id, 'lk', 'live', 'abcd', '', 'x', 'Token ' || n, '{}',
        timestamptz '2026-01-01' + n * interval '1 minute'
      FROM account, generate_series(1, 60) AS n WHERE username = 'bob'
    `.execute(app.db)
    const first = await bob.get('/account/tokens')
    expect(first.text).toContain('Token 60')
    expect(first.text).not.toContain('Token 10<')
    const next = /href="(\/account\/tokens\?cursor=[^"]+)"/.exec(first.text)?.[1] ?? ''
    const second = await bob.get(next)
    expect(second.text).toContain('Token 10<')
    expect(second.text).not.toContain('Token 60')
  })

  it('show how they are used', async () => {
    const token = shownOnce(await create(ada))
    const path = `/account/tokens/${idOf(token)}`
    expect((await ada.get(path)).text).toContain('It was not used in the last 30 days.')
    await app.db
      .insertInto('credential_usage')
      .values([
        { credential_id: idOf(token), hour: new Date(), outcome: 'success', count: '41' },
        { credential_id: idOf(token), hour: new Date(), outcome: 'refused', count: '2' },
      ])
      .execute()
    const page = await ada.get(path)
    expect(page.text).toMatch(
      /<svg[^>]* role="img" aria-label="The last 30 days: 41 accepted, 2 refused\. Most on/,
    )
    expect(page.text).not.toContain('style=')
  })
})

const dayIn = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
