// Clients that are known by a name in a certificate of a trusted authority (RFC 8705, section 2.1), over our own port for TLS:
// which certificates are theirs, and which are not.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  createAuthority,
  createSelfSigned,
  type Holder,
  type WantedCertificate,
} from '../support/certificates.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { fetchAs, startTlsApp, type TlsApp } from '../support/tls-app.ts'

const DAY = 86_400_000
const now = Date.now()
const trusted = createAuthority({ subject: '/CN=Trusted' })
const below = trusted.intermediate()
const foreign = createAuthority({ subject: '/CN=Trusted' })

const byName = (client_id: string, name: string, value: string) => ({
  client_id,
  grant_types: ['client_credentials'],
  token_endpoint_auth_method: 'tls_client_auth',
  [`tls_client_auth_${name}`]: value,
  resource_scopes: { [ORDERS]: ['read:orders'] },
})

const clients = [
  byName('dns', 'san_dns', 'Billing.example'),
  byName('wild', 'san_dns', '*.example'),
  byName('uri', 'san_uri', 'spiffe://example/billing'),
  byName('v4', 'san_ip', '192.0.2.1'),
  byName('v6', 'san_ip', '2001:DB8:0::1'),
  byName('email', 'san_email', 'Billing@Example.com'),
  byName('subject', 'subject_dn', String.raw`cn=billing\, nightly,O=Acme`),
  byName('comma', 'san_uri', 'urn:a,DNS:billing.example'),
]

let server: TlsApp
beforeAll(async () => {
  server = await startTlsApp([trusted], { ...ordersFile, clients: [...ordersFile.clients, ...clients] })
})
afterAll(() => server?.close())

async function authenticate(client_id: string, holder: Holder | undefined, grant = 'client_credentials') {
  const body = new URLSearchParams({ client_id, grant_type: grant })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await fetchAs(holder)(`${server.origin}/token`, { method: 'POST', headers, body })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

type Case = [what: string, client: string, wanted: WantedCertificate]

it.each<Case>([
  ['a host name, in any case', 'dns', { names: [{ dns: 'BILLING.example' }] }],
  ['one host name of several', 'dns', { names: [{ dns: 'a.example' }, { dns: 'billing.example' }] }],
  ['a wildcard that is its name', 'wild', { names: [{ dns: '*.example' }] }],
  ['a URI', 'uri', { names: [{ uri: 'spiffe://example/billing' }] }],
  ['an IPv4 address', 'v4', { names: [{ ip: '192.0.2.1' }] }],
  ['an IPv6 address, in another spelling', 'v6', { names: [{ ip: '2001:db8::1' }] }],
  ['an e-mail address, its host in any case', 'email', { names: [{ email: 'Billing@example.COM' }] }],
  ['a subject', 'subject', { subject: '/O=Acme/CN=billing, nightly' }],
  ['a name with a comma', 'comma', { names: [{ uri: 'urn:a,DNS:billing.example' }] }],
  ['an RSA key', 'dns', { names: [{ dns: 'billing.example' }], keyType: 'rsa' }],
  ['no purpose at all', 'dns', { names: [{ dns: 'billing.example' }], usage: 'none' }],
])('is known by %s', async (_what, client, wanted) => {
  for (const authority of [trusted, below])
    expect(await authenticate(client, authority.issue(wanted))).toMatchObject({
      status: 200,
      body: { token_type: 'Bearer' },
    })
})

const BILLING: WantedCertificate = { names: [{ dns: 'billing.example' }] }
const REFUSED = {
  status: 401,
  body: { error: 'invalid_client', error_description: 'client authentication failed' },
}

describe('is not let in, and always with the same answer,', () => {
  it.each<[string, () => Holder | undefined]>([
    ['without a certificate', () => undefined],
    ['with one that it signed itself', () => createSelfSigned(BILLING)],
    ['with one of an authority of the same name', () => foreign.issue(BILLING)],
    ["with the authority's own", () => trusted],
    [
      'with one that has expired',
      () => trusted.issue({ ...BILLING, notBefore: new Date(now - 2 * DAY), notAfter: new Date(now - DAY) }),
    ],
    [
      'with one that is not valid yet',
      () => trusted.issue({ ...BILLING, notBefore: new Date(now + DAY), notAfter: new Date(now + 2 * DAY) }),
    ],
    ['with one for servers', () => trusted.issue({ ...BILLING, usage: 'serverAuth' })],
    [
      'with one of an authority whose own is not sent along',
      () => {
        const leaf = below.issue(BILLING)
        return { ...leaf, chain: leaf.cert }
      },
    ],
  ])('%s', async (_what, holder) => {
    expect(await authenticate('dns', holder())).toEqual(REFUSED)
  })

  it.each<Case>([
    ['another host name', 'dns', { names: [{ dns: 'billing.example.org' }] }],
    ['a wildcard for it', 'dns', { names: [{ dns: '*.example' }] }],
    ['a host that a wildcard is for', 'wild', { names: [{ dns: 'billing.example' }] }],
    ['its name after a NUL', 'dns', { names: [{ dns: 'evil.example\0billing.example' }] }],
    ['its name before a NUL', 'dns', { names: [{ dns: 'billing.example\0.evil.example' }] }],
    ['its name behind a comma', 'dns', { names: [{ dns: 'evil.example, DNS:billing.example' }] }],
    ['its name in a URI', 'dns', { names: [{ uri: 'urn:x, DNS:billing.example' }] }],
    ['a space before it', 'dns', { names: [{ dns: ' billing.example' }] }],
    [
      'its name as another sort',
      'dns',
      { names: [{ uri: 'billing.example' }, { email: 'billing.example' }] },
    ],
    ['its name as the common name only', 'dns', { subject: '/CN=billing.example' }],
    ['no names', 'dns', {}],
    ['another path', 'uri', { names: [{ uri: 'spiffe://example/billing/x' }] }],
    ['another case of a URI', 'uri', { names: [{ uri: 'spiffe://example/Billing' }] }],
    ['the address as a host name', 'v4', { names: [{ dns: '192.0.2.1' }] }],
    ['another address', 'v4', { names: [{ ip: '192.0.2.2' }] }],
    ['another case before the @', 'email', { names: [{ email: 'billing@example.com' }] }],
    ['the e-mail address in the subject', 'email', { subject: '/emailAddress=Billing@Example.com' }],
    ['more in the subject', 'subject', { subject: '/O=Acme/OU=x/CN=billing, nightly' }],
    ['less in the subject', 'subject', { subject: '/CN=billing, nightly' }],
    ['another case in the subject', 'subject', { subject: '/O=acme/CN=billing, nightly' }],
    ['the subject as text of another part', 'subject', { subject: '/CN=billing, nightly,O=Acme' }],
    [
      'what comes after a comma in its name',
      'comma',
      { names: [{ uri: 'urn:a' }, { dns: 'billing.example' }] },
    ],
  ])('with %s', async (_what, client, wanted) => {
    expect(await authenticate(client, trusted.issue(wanted))).toEqual(REFUSED)
  })

  it('as another client, or one that is not there', async () => {
    const holder = trusted.issue(BILLING)
    for (const client of ['uri', 'billing', 'nobody'])
      expect(await authenticate(client, holder)).toEqual(REFUSED)
    expect((await authenticate('orders-spa', holder)).status).toBe(400)
  })

  it('when it is disabled', async () => {
    await server.app.apply({ clients: [byName('soon-disabled', 'san_dns', 'billing.example')] })
    const holder = trusted.issue(BILLING)
    expect((await authenticate('soon-disabled', holder)).status).toBe(200)
    await server.app.db
      .updateTable('client')
      .set({ disabled_at: new Date() })
      .where('client_id', '=', 'soon-disabled')
      .execute()
    await server.app.db
      .insertInto('change_log')
      .values({ type: 'client', payload: JSON.stringify({ client_id: 'soon-disabled' }) })
      .execute()
    await until('the server knows', async () => (await authenticate('soon-disabled', holder)).status === 401)
    expect(await authenticate('soon-disabled', holder)).toEqual(REFUSED)
  })
})

it('the reason is in the audit, and nowhere else', async () => {
  await authenticate('uri', foreign.issue({ names: [{ uri: 'spiffe://example/billing' }] }))
  await authenticate('uri', trusted.issue())
  await until('the audit has it', async () => {
    const rows = await server.app.db
      .selectFrom('audit_event')
      .select('detail')
      .where('client_id', '=', 'uri')
      .where('outcome', '=', 'refused')
      .execute()
    const reasons = rows.map(({ detail }) => (detail as { reason?: string }).reason)
    return (
      reasons.includes('client certificate: no trusted authority has issued it') &&
      reasons.includes('certificate subject value does not match the registered one')
    )
  })
})
