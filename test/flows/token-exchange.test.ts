// What was exchanged ends with what it came of: every kind of subject token × the ways to end it, asked on the process that
// was told and on another one after `wait=all`, and read from the status list of the other one. What is not ended lives on.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { callerWith, contentOf, sessionOf } from '../support/api-callers.ts'
import { codeFlow } from '../support/authorization.ts'
import { exchangeParams, TOKEN_EXCHANGE } from '../support/exchange.ts'
import { accountIdOf, allKnow, mintedTokensOf, SYSTEM } from '../support/minted.ts'
import { form, introspect, tokenFrom } from '../support/node-requests.ts'
import { ORDERS, ordersFile, PASSWORD, STOCK } from '../support/orders.ts'
import { type Cluster, type ServerProcess, startCluster } from '../support/server-process.ts'
import { createStatusReader, readFrom } from '../support/status-reader.ts'

const SUBJECTS = [
  'personal token',
  'API key',
  'JWT of a grant',
  'opaque token of a grant',
  'JWT of a client',
  'opaque token of a client',
  'exchanged personal token',
  'exchanged opaque token',
] as const
type Subject = (typeof SUBJECTS)[number]

/** Whatever it came of in turn. */
const OF_PERSONAL_TOKEN: readonly Subject[] = ['personal token', 'exchanged personal token']
const OF_OPAQUE: readonly Subject[] = ['opaque token of a grant', 'exchanged opaque token']
const OF_GRANTS: readonly Subject[] = ['JWT of a grant', ...OF_OPAQUE]
const OF_CLIENT_ALONE: readonly Subject[] = ['JWT of a client', 'opaque token of a client']
const OF_CLIENT: readonly Subject[] = ['API key', ...OF_GRANTS, ...OF_CLIENT_ALONE]
const OF_ACCOUNT: readonly Subject[] = [...OF_PERSONAL_TOKEN, ...OF_GRANTS]

interface Client {
  readonly client_id: string
  readonly client_secret: string
  readonly redirect_uris: readonly string[]
}

interface Holder {
  readonly client: Client
  readonly exchanger: Client
  readonly accountId: string
  readonly session: Record<string, string>
  readonly subjects: Readonly<Record<Subject, string>>
  readonly ids: Readonly<Record<Subject, string>>
  /** What they were exchanged for. */
  readonly tokens: Readonly<Record<Subject, string>>
}

let cluster: Cluster
let root: Record<string, string>
beforeAll(async () => {
  cluster = await startCluster({ env: { LOG_LEVEL: 'warn' } }, ordersFile)
  await cluster.apply({ accounts: [{ username: 'root', password: PASSWORD, admin: true }] })
  root = await signIn('root')
})
afterAll(() => cluster?.close())

/** The headers of a session, fit for changes. */
const signIn = async (username: string, agent = cluster.agent()) =>
  (await sessionOf({ issuer: cluster.issuer, agent: () => agent }, username)).headers

const call = (method: string, path: string, headers: Record<string, string>, body?: object) =>
  contentOf(callerWith(cluster, headers).call(method, path, body))

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

async function createHolder(name: string): Promise<Holder> {
  const clientNamed = (id: string): Client => ({
    client_id: `${id}-${name}`,
    client_secret: `secret-of-${id}-${name}-for-tests-only-0123456789abcdef`,
    redirect_uris: ['http://127.0.0.1:8099/callback'],
  })
  const [client, exchanger] = [clientNamed('client'), clientNamed('exchanger')]
  const more = {
    require_consent: false,
    resource_scopes: { [ORDERS]: ['read:orders'], [STOCK]: ['read:stock'] },
  }
  const grants = ['authorization_code', 'refresh_token', 'client_credentials']
  await cluster.apply({
    accounts: [{ username: `person-${name}`, password: PASSWORD }],
    clients: [
      { ...client, ...more, grant_types: grants },
      { ...exchanger, ...more, redirect_uris: [], grant_types: [TOKEN_EXCHANGE] },
    ],
  })
  await allKnow(cluster)
  const agent = cluster.agent()
  const session = await signIn(`person-${name}`, agent)
  const granted = async (scope: string, resource: string) =>
    (await codeFlow(cluster.issuer, agent, client, { params: { scope, resource } })).token.body
      .access_token ?? ''
  const own = async (resource: string) => {
    const params = { grant_type: 'client_credentials', resource }
    return tokenFrom(await cluster.nodes[0].ask(form('/token', client, params))).access_token
  }
  const fields = { name, scopes: { [ORDERS]: ['read:orders'] } }
  const key = await call('POST', '/v1/api-keys', root, { ...fields, client_id: client.client_id })
  const personal = await call('POST', '/v1/personal-access-tokens', session, fields)
  // The other process takes what this one has issued.
  const exchanged = async (token: string, resource = ORDERS) => {
    const params = exchangeParams(token, { resource }) as Record<string, string>
    return tokenFrom(await cluster.nodes[1].ask(form('/token', exchanger, params))).access_token
  }
  const stock = await granted('openid read:stock', STOCK)
  const subjects: Record<Subject, string> = {
    'personal token': String(personal.secret),
    'API key': String(key.secret),
    'JWT of a grant': await granted('openid read:orders', ORDERS),
    'opaque token of a grant': stock,
    'JWT of a client': await own(ORDERS),
    'opaque token of a client': await own(STOCK),
    'exchanged personal token': await exchanged(String(personal.secret)),
    'exchanged opaque token': await exchanged(stock, STOCK),
  }
  const tokens = {} as Record<Subject, string>
  const ids = {} as Record<Subject, string>
  for (const subject of SUBJECTS) {
    const self = await call('GET', '/v1/credentials/self', bearer(subjects[subject]))
    ids[subject] = String(self.credential_id)
    tokens[subject] = await exchanged(subjects[subject], String(self.resource))
  }
  const accountId = await accountIdOf(cluster.db, `person-${name}`)
  return { client, exchanger, accountId, session, subjects, ids, tokens }
}

/** Which of the tokens this process takes; its introspection and its status list say the same. */
async function taken(node: ServerProcess, { exchanger, tokens }: Holder): Promise<Subject[]> {
  const reader = createStatusReader(cluster.issuer, readFrom(node))
  const isTaken = async (subject: Subject): Promise<boolean> => {
    const token = tokens[subject]
    const { status } = await node.ask({ path: '/v1/credentials/self', headers: bearer(token) })
    const asked = await node.ask(form('/introspect', exchanger, { token }))
    if (asked.status === 200) expect((await introspect(node, exchanger, token)).active).toBe(status === 200)
    if (token.includes('.')) expect(await reader.statusOf(token)).toBe(status === 200 ? 0 : 1)
    return status === 200
  }
  const answers = await Promise.all(SUBJECTS.map(isTaken))
  return SUBJECTS.filter((_, at) => answers[at])
}

const WAIT = '?wait=all&timeout=30'

async function revoke(filter: object): Promise<void> {
  const { plan } = await call('POST', '/v1/revocations', root, filter)
  await call('POST', `/v1/revocations${WAIT}`, root, { ...filter, dry_run: false, plan })
}

const endItself = (subject: Subject) => (holder: Holder) =>
  call('DELETE', `/v1/credentials/self${WAIT}`, bearer(holder.subjects[subject]))

async function revokeToken(client: Client, token: string): Promise<void> {
  expect((await cluster.nodes[0].ask(form('/revoke', client, { token }))).status).toBe(200)
  await allKnow(cluster)
}

const inTheWayOf = (client: Client) => `/v1/clients/${client.client_id}${WAIT}`

type Way = [name: string, end: (holder: Holder) => Promise<unknown>, ends: readonly Subject[]]

const WAYS: readonly Way[] = [
  ['nothing ends', async () => undefined, []],
  ['the personal token ends itself', endItself('personal token'), OF_PERSONAL_TOKEN],
  ['the API key ends itself', endItself('API key'), ['API key']],
  ['the JWT of a grant ends itself', endItself('JWT of a grant'), ['JWT of a grant']],
  ['the JWT of a client ends itself', endItself('JWT of a client'), ['JWT of a client']],
  ['the opaque token of a grant ends itself', endItself('opaque token of a grant'), OF_OPAQUE],
  ['the exchanged token ends itself', endItself('exchanged personal token'), ['exchanged personal token']],
  ['the exchanged opaque token ends itself', endItself('exchanged opaque token'), ['exchanged opaque token']],
  [
    '/revoke, an opaque token',
    ({ client, subjects }) => revokeToken(client, subjects['opaque token of a grant']),
    OF_OPAQUE,
  ],
  [
    '/revoke, an exchanged token by who has exchanged it',
    ({ exchanger, subjects }) => revokeToken(exchanger, subjects['exchanged personal token']),
    ['exchanged personal token'],
  ],
  ['/v1/revocations, a key', ({ ids }) => revoke({ credential_id: ids['API key'] }), ['API key']],
  [
    '/v1/revocations, an opaque token',
    ({ ids }) => revoke({ credential_id: ids['opaque token of a client'], kind: 'access-token' }),
    ['opaque token of a client'],
  ],
  [
    'the key in quarantine',
    async ({ ids }) => {
      await mintedTokensOf(cluster).quarantine(SYSTEM, ids['API key'], 'a test')
      await allKnow(cluster)
    },
    ['API key'],
  ],
  [
    'the grants end',
    ({ accountId, client }) => revoke({ account_id: accountId, client_id: client.client_id, kind: 'grant' }),
    OF_GRANTS,
  ],
  [
    'the session ends itself',
    ({ session }) => call('DELETE', `/v1/credentials/self${WAIT}`, session),
    OF_GRANTS,
  ],
  [
    'all that the client got for itself',
    ({ client }) => revoke({ client_id: client.client_id, kind: 'client-tokens' }),
    OF_CLIENT_ALONE,
  ],
  ['the client revoked', ({ client }) => revoke({ client_id: client.client_id }), OF_CLIENT],
  [
    'the client disabled',
    ({ client }) => call('PATCH', inTheWayOf(client), root, { disabled: true }),
    OF_CLIENT,
  ],
  ['the client deleted', ({ client }) => call('DELETE', inTheWayOf(client), root), OF_CLIENT],
  ['the account revoked', ({ accountId }) => revoke({ account_id: accountId }), OF_ACCOUNT],
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
  [
    'all that who exchanges got',
    ({ exchanger }) => revoke({ client_id: exchanger.client_id, kind: 'client-tokens' }),
    SUBJECTS,
  ],
  [
    'who exchanges disabled',
    ({ exchanger }) => call('PATCH', inTheWayOf(exchanger), root, { disabled: true }),
    SUBJECTS,
  ],
]

test.each(WAYS.map(([name, end, ends], at) => ({ name, end, ends, at })))(
  '$name',
  async ({ end, ends, at }) => {
    const holder = await createHolder(String(at))
    for (const node of cluster.nodes) expect(await taken(node, holder)).toEqual(SUBJECTS)
    await end(holder)
    const left = SUBJECTS.filter(subject => !ends.includes(subject))
    for (const node of cluster.nodes) expect(await taken(node, holder)).toEqual(left)
  },
)
