// Every kind of credential × every way to end it × the process that is told and another one, after `wait=all`; and once
// more after both were killed and one has started again. What a way does not end lives on.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { basic } from '../support/answers.ts'
import { callerWith, contentOf, sessionOf } from '../support/api-callers.ts'
import { codeFlow, type FlowClient } from '../support/authorization.ts'
import { createCertificate } from '../support/certificate.ts'
import { BEHIND_PROXY } from '../support/certified.ts'
import { certificateHeader } from '../support/client-certificates.ts'
import { accountIdOf, allKnow } from '../support/minted.ts'
import { form, introspect, tokenFrom } from '../support/node-requests.ts'
import { ORDERS, ordersFile, PASSWORD, STOCK } from '../support/orders.ts'
import { type Cluster, type ServerProcess, startCluster, startServer } from '../support/server-process.ts'
import { type Signer, signMessage } from '../support/signing.ts'

const KINDS = [
  'JWT of a client',
  'opaque token of a client',
  'JWT of a grant',
  'opaque token of a grant',
  'refresh token',
  'API key',
  'personal token',
  'session',
  'client secret',
  'certificate',
  'signed request',
] as const
type Kind = (typeof KINDS)[number]

const OF_GRANTS: readonly Kind[] = ['JWT of a grant', 'opaque token of a grant', 'refresh token']
const OF_CLIENT: readonly Kind[] = [
  'JWT of a client',
  'opaque token of a client',
  ...OF_GRANTS,
  'API key',
  'client secret',
  'certificate',
  'signed request',
]
const OF_ACCOUNT: readonly Kind[] = [...OF_GRANTS, 'personal token', 'session']
/** Without a secret the client cannot show its refresh token to anybody. */
const OF_SECRET: readonly Kind[] = ['client secret', 'refresh token']
/** That the refresh token belongs to. */
const ONE_GRANT: readonly Kind[] = ['JWT of a grant', 'refresh token']
const HASHED: readonly Kind[] = KINDS.filter(kind => kind !== 'JWT of a client' && kind !== 'certificate')

interface Client extends FlowClient {
  readonly client_secret: string
}

/** A person, a client, and one credential of every kind. */
interface Holder {
  readonly name: string
  readonly client: Client
  readonly accountId: string
  readonly headers: Readonly<Record<string, Record<string, string>>>
  readonly signer: Signer
  readonly refreshToken: string
  /** Of what has one, by kind. */
  readonly ids: Readonly<Record<string, string>>
}

const ENV = { LOG_LEVEL: 'warn', ...BEHIND_PROXY }

let cluster: Cluster
/** An administrator's. */
let root: Record<string, string>
let pepper: string
beforeAll(async () => {
  cluster = await startCluster({ env: ENV }, ordersFile)
  pepper = cluster.keyring.derive('pepper')[0]?.id ?? ''
  await cluster.apply({ accounts: [{ username: 'root', password: PASSWORD, admin: true }] })
  root = await signIn('root')
})
afterAll(() => cluster?.close())

/** The headers of a session, fit for changes. */
const signIn = async (username: string, agent = cluster.agent()) =>
  (await sessionOf({ issuer: cluster.issuer, agent: () => agent }, username)).headers

const call = (method: string, path: string, headers: Record<string, string>, body?: object) =>
  contentOf(callerWith(cluster, headers).call(method, path, body))

async function createHolder(name: string): Promise<Holder> {
  const client = {
    client_id: `client-${name}`,
    client_secret: `secret-of-${name}-for-tests-only-0123456789abcdef`,
    redirect_uris: ['http://127.0.0.1:8099/callback'],
  }
  const scopes = { [ORDERS]: ['read:orders'], [STOCK]: ['read:stock'] }
  await cluster.apply({
    organizations: [{ id: `org-${name}`, name, members: [] }],
    accounts: [{ username: `person-${name}`, password: PASSWORD }],
    clients: [
      {
        ...client,
        organization: `org-${name}`,
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        require_consent: false,
        resource_scopes: scopes,
      },
    ],
  })
  await allKnow(cluster)
  const agent = cluster.agent()
  const session = await signIn(`person-${name}`, agent)
  const tokensOf = async (scope: string, resource: string) =>
    (await codeFlow(cluster.issuer, agent, client, { params: { scope: `openid ${scope}`, resource } })).token
      .body
  const own = async (resource: string) =>
    tokenFrom(
      await cluster.nodes[0].ask(form('/token', client, { grant_type: 'client_credentials', resource })),
    ).access_token
  const orders = await tokensOf('read:orders', ORDERS)
  const stock = await tokensOf('read:stock', STOCK)
  const fields = { name, scopes: { [ORDERS]: ['read:orders'] } }
  const key = await call('POST', '/v1/api-keys', root, { ...fields, client_id: client.client_id })
  const pat = await call('POST', '/v1/personal-access-tokens', session, fields)
  const certificate = createCertificate(`${name}.example.com`).cert
  await call('POST', '/v1/client-certificates', root, { ...fields, client_id: client.client_id, certificate })
  const signing = await call('POST', '/v1/signing-secrets', root, { ...fields, client_id: client.client_id })
  const signer = { id: String(signing.id), secret: String(signing.secret) }
  const bearer = (token = '') => ({ authorization: `Bearer ${token}` })
  const headers: Record<string, Record<string, string>> = {
    'JWT of a client': bearer(await own(ORDERS)),
    'opaque token of a client': bearer(await own(STOCK)),
    'JWT of a grant': bearer(orders.access_token),
    'opaque token of a grant': bearer(stock.access_token),
    'API key': { 'x-api-key': String(key.secret) },
    'personal token': { 'x-api-key': String(pat.secret) },
    session,
    'client secret': { authorization: basic(client.client_id, client.client_secret) },
    certificate: certificateHeader(certificate),
  }
  const ids: Record<string, string> = { 'signed request': signer.id }
  for (const [kind, credential] of Object.entries(headers))
    ids[kind] = String((await call('GET', SELF, credential)).credential_id)
  const accountId = await accountIdOf(cluster.db, `person-${name}`)
  return { name, client, accountId, headers, signer, refreshToken: orders.refresh_token ?? '', ids }
}

const SELF = '/v1/credentials/self'

/** What shows it; a signature is good for one request only. */
function shown({ headers, signer }: Holder, kind: Kind, method: string, path: string) {
  if (kind === 'signed request') return signMessage(signer, { method, url: `${cluster.issuer}${path}` })
  return headers[kind] ?? {}
}

/** Which of them this node takes. */
async function taken(node: ServerProcess, holder: Holder): Promise<Kind[]> {
  const { client, refreshToken } = holder
  const isTaken = async (kind: Kind): Promise<boolean> => {
    if (kind === 'refresh token') return isRefreshTaken(node, client, refreshToken)
    const self = await node.ask({ path: SELF, headers: shown(holder, kind, 'GET', SELF) })
    if (kind === 'client secret') {
      const params = { grant_type: 'client_credentials', resource: STOCK }
      expect((await node.ask(form('/token', client, params))).status).toBe(self.status)
    }
    return self.status === 200
  }
  const answers = await Promise.all(KINDS.map(isTaken))
  return KINDS.filter((_, at) => answers[at])
}

/** Who asks may be any client that is well: a refresh token is shown to its own only, so its use is tried then. */
async function isRefreshTaken(node: ServerProcess, client: Client, token: string): Promise<boolean> {
  const asked = await node.ask(form('/introspect', client, { token }))
  if (asked.status === 200) return (await introspect(node, client, token)).active === true
  const params = { grant_type: 'refresh_token', refresh_token: token }
  return (await node.ask(form('/token', client, params))).status === 200
}

const WAIT = '?wait=all&timeout=30'

/** A dry run, then what it has planned. */
async function revoke(filter: object, path = '/v1/revocations', by = root): Promise<void> {
  const { plan } = await call('POST', path, by, filter)
  await call('POST', `${path}${WAIT}`, by, { ...filter, dry_run: false, plan })
}

const endItself = (kind: Kind) => (holder: Holder) =>
  call('DELETE', SELF + WAIT, shown(holder, kind, 'DELETE', SELF + WAIT))

/** RFC 7009, which nobody can wait for. */
async function revokeToken({ client }: Holder, token = ''): Promise<void> {
  const answer = await cluster.nodes[0].ask(form('/revoke', client, { token }))
  expect(answer.status).toBe(200)
  await allKnow(cluster)
}

const tokenOf = ({ headers }: Holder, kind: Kind) => headers[kind]?.authorization?.slice('Bearer '.length)

const FILTER_KIND: Partial<Record<Kind, string>> = {
  'JWT of a client': 'jwt-access-token',
  'JWT of a grant': 'jwt-access-token',
  'opaque token of a client': 'access-token',
  'opaque token of a grant': 'access-token',
  'API key': 'api-key',
  'personal token': 'personal-access-token',
  session: 'session',
  'client secret': 'client-secret',
  certificate: 'client-certificate',
  'signed request': 'signing-secret',
}

const grantOf = async ({ client, accountId }: Holder): Promise<string> => {
  const { id } = await cluster.db
    .selectFrom('authorization_grant')
    .select('id')
    .where('client_id', '=', client.client_id)
    .where('account_id', '=', accountId)
    .orderBy('created_at')
    .limit(1)
    .executeTakeFirstOrThrow()
  return id
}

const later = () => new Date(Date.now() + 60_000).toISOString()
const client = ({ client: { client_id } }: Holder) => `/v1/clients/${client_id}`

type Way = [name: string, end: (holder: Holder) => Promise<unknown>, ends: readonly Kind[]]

const WAYS: readonly Way[] = [
  ...(
    [
      'JWT of a client',
      'opaque token of a client',
      'JWT of a grant',
      'API key',
      'personal token',
      'signed request',
    ] as const
  ).map((kind): Way => [`the ${kind} ends itself`, endItself(kind), [kind]]),
  ['the client secret ends itself', endItself('client secret'), OF_SECRET],
  ['the certificate ends itself', endItself('certificate'), ['certificate']],
  ['the session ends itself', endItself('session'), ['session', ...OF_GRANTS]],
  ['/revoke, a JWT', holder => revokeToken(holder, tokenOf(holder, 'JWT of a grant')), ['JWT of a grant']],
  [
    '/revoke, an opaque token',
    holder => revokeToken(holder, tokenOf(holder, 'opaque token of a client')),
    ['opaque token of a client'],
  ],
  ['/revoke, a refresh token', holder => revokeToken(holder, holder.refreshToken), ONE_GRANT],
  [
    '/revoke, an API key',
    holder => revokeToken(holder, holder.headers['API key']?.['x-api-key']),
    ['API key'],
  ],
  [
    '/revoke, a personal token',
    holder => revokeToken(holder, holder.headers['personal token']?.['x-api-key']),
    ['personal token'],
  ],
  [
    '/v1/revocations/own, everything',
    ({ accountId, headers }) =>
      revoke({ account_id: accountId }, '/v1/revocations/own', headers.session ?? {}),
    OF_ACCOUNT,
  ],
  [
    'its key by its id',
    ({ ids }) => call('DELETE', `/v1/api-keys/${ids['API key']}${WAIT}`, root),
    ['API key'],
  ],
  [
    'its certificate by its id',
    ({ ids }) => call('DELETE', `/v1/client-certificates/${ids.certificate}${WAIT}`, root),
    ['certificate'],
  ],
  [
    'its signing secret by its id',
    ({ ids }) => call('DELETE', `/v1/signing-secrets/${ids['signed request']}${WAIT}`, root),
    ['signed request'],
  ],
  [
    'its personal token by its id',
    ({ ids, headers }) =>
      call('DELETE', `/v1/personal-access-tokens/${ids['personal token']}${WAIT}`, headers.session ?? {}),
    ['personal token'],
  ],
  [
    'its secret by its id',
    holder => call('DELETE', `${client(holder)}/secrets/${holder.ids['client secret']}${WAIT}`, root),
    OF_SECRET,
  ],
  ...Object.entries(FILTER_KIND).map(([kind, filterKind]): Way => {
    const more: Partial<Record<string, readonly Kind[]>> = { session: OF_GRANTS, 'client secret': OF_SECRET }
    const ends = [kind as Kind, ...(more[kind] ?? [])]
    return [
      `/v1/revocations, one ${kind}`,
      ({ ids }) => revoke({ kind: filterKind, credential_id: ids[kind] }),
      ends,
    ]
  }),
  ['/v1/revocations, a grant', async holder => revoke({ grant_id: await grantOf(holder) }), ONE_GRANT],
  ['/v1/revocations, a session', ({ ids }) => revoke({ session_id: ids.session }), ['session', ...OF_GRANTS]],
  ['/v1/revocations, a client', ({ client: { client_id } }) => revoke({ client_id }), OF_CLIENT],
  ['/v1/revocations, an account', ({ accountId }) => revoke({ account_id: accountId }), OF_ACCOUNT],
  ['/v1/revocations, an organization', ({ name }) => revoke({ organization: `org-${name}` }), OF_CLIENT],
  [
    '/v1/revocations, an environment',
    ({ client: { client_id } }) => revoke({ client_id, env: 'live' }),
    ['API key', 'certificate', 'signed request'],
  ],
  [
    '/v1/revocations, everything before a time',
    ({ client: { client_id } }) => revoke({ client_id, issued_before: later() }),
    OF_CLIENT,
  ],
  [
    '/v1/revocations, an address',
    ({ accountId }) => revoke({ account_id: accountId, kind: 'session', last_address: '127.0.0.0/8' }),
    ['session', ...OF_GRANTS],
  ],
  [
    '/v1/revocations, a pepper version: what a client holds',
    ({ client: { client_id } }) => revoke({ client_id, pepper_version: pepper }),
    OF_CLIENT.filter(kind => HASHED.includes(kind)),
  ],
  [
    '/v1/revocations, a pepper version: what an account holds',
    ({ accountId }) => revoke({ account_id: accountId, pepper_version: pepper }),
    OF_ACCOUNT,
  ],
  ['/v1/revocations, a pepper version that is nobody’s', () => revoke({ pepper_version: 'nobodys' }), []],
  [
    'the client disabled',
    holder => call('PATCH', `${client(holder)}${WAIT}`, root, { disabled: true }),
    OF_CLIENT,
  ],
  ['the client deleted', holder => call('DELETE', `${client(holder)}${WAIT}`, root), OF_CLIENT],
  [
    'the account disabled',
    ({ accountId }) => call('PATCH', `/v1/accounts/${accountId}${WAIT}`, root, { disabled: true }),
    OF_ACCOUNT,
  ],
  [
    'the account deleted',
    ({ accountId }) => call('DELETE', `/v1/accounts/${accountId}${WAIT}`, root),
    OF_ACCOUNT,
  ],
]

const left: { holder: Holder; kinds: readonly Kind[] }[] = []

test.each(WAYS.map(([name, end, ends], at) => ({ name, end, ends, at })))(
  '$name',
  async ({ end, ends, at }) => {
    const holder = await createHolder(String(at))
    // In memory there, as far as it can be.
    for (const node of cluster.nodes) expect(await taken(node, holder)).toEqual(KINDS)
    await end(holder)
    const kinds = KINDS.filter(kind => !ends.includes(kind))
    for (const node of cluster.nodes) expect(await taken(node, holder)).toEqual(kinds)
    left.push({ holder, kinds })
  },
)

test('both processes killed, one started again: what was ended is ended, what lived lives', async () => {
  const [first, second] = cluster.nodes
  await Promise.all([first.end('SIGKILL'), second.end('SIGKILL')])
  const { issuer, port } = first
  const databaseUrl = cluster.database.url
  const next = await startServer({ databaseUrl, env: ENV, issuer, port })
  try {
    expect(left).toHaveLength(WAYS.length)
    for (const { holder, kinds } of left) expect(await taken(next, holder)).toEqual(kinds)
  } finally {
    await next.end()
  }
})
