// The table of answers, every row through every door that can ask it, for every kind of credential.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { askSelf, challengesOf, type Headers } from '../credentials/kind.contract.ts'
import { basic } from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, type FlowClient, protocolPost } from '../support/authorization.ts'
import { billing, ORDERS, ordersSpa, ordersWeb, STOCK } from '../support/orders.ts'
import {
  askApp,
  askVerify,
  doorsFile,
  pairsOf,
  type Refusal,
  refusalOf,
  relayed,
  resultOf,
  verifierToken,
  warehouse,
} from './doors.ts'
import { createMaker, type Maker } from './minted.ts'

let app: TestApp
let ada: Maker
const signIn = () => createMaker({ issuer: app.issuer, ask: question => askApp(app, question) }, app.agent())
beforeAll(async () => {
  app = await startApp({}, doorsFile)
  ada = await signIn()
})
afterAll(() => app.close())

/** A credential, its headers and, where it is one, its text. */
interface Shown {
  readonly headers: Headers
  readonly text?: string
}

interface Kind {
  readonly name: string
  /** Its resource, and one that it is not for. */
  readonly resource: string
  readonly other?: string
  readonly scope: string
  /** That it has not. */
  readonly missing: string
  /** @param fields of the keys and tokens that take restrictions */
  make(fields?: object): Promise<Shown>
  readonly restricted?: true
}

const asBearer = (text = ''): Shown => ({ headers: { authorization: `Bearer ${text}` }, text })
const people = async (client: FlowClient, params: Record<string, string>) =>
  asBearer((await codeFlow(app.issuer, app.agent(), client, { params })).token.body.access_token)

const orders = { resource: ORDERS, other: STOCK, scope: 'read:orders', missing: 'admin:orders' }
const mintedScopes = { scopes: { [ORDERS]: ['read:orders'] } }

const KINDS: readonly Kind[] = [
  { name: 'access token, JWT', ...orders, make: () => people(ordersWeb, { scope: 'openid read:orders' }) },
  {
    name: 'access token, opaque',
    resource: STOCK,
    other: ORDERS,
    scope: 'read:stock',
    missing: 'write:stock',
    make: () => people(ordersSpa, { scope: 'openid read:stock', resource: STOCK }),
  },
  {
    name: 'session',
    resource: ORDERS,
    scope: 'read:orders',
    missing: 'nothing:orders',
    make: async () => ({ headers: (await signIn()).headers }),
  },
  {
    name: 'API key',
    ...orders,
    restricted: true,
    make: async fields => asBearer((await ada.key({ ...mintedScopes, ...fields })).secret),
  },
  {
    name: 'API key in X-API-Key',
    ...orders,
    restricted: true,
    async make(fields) {
      const { secret } = await ada.key({ ...mintedScopes, ...fields })
      return { headers: { 'x-api-key': secret }, text: secret }
    },
  },
  {
    name: 'personal access token',
    ...orders,
    restricted: true,
    make: async fields => asBearer((await ada.token({ ...mintedScopes, ...fields })).secret),
  },
  {
    name: 'personal access token in Basic',
    ...orders,
    restricted: true,
    async make(fields) {
      const { secret } = await ada.token({ ...mintedScopes, ...fields })
      return { headers: { authorization: basic('ada', secret) }, text: secret }
    },
  },
  { name: 'client secret', ...orders, make: clientSecret },
]

async function clientSecret(): Promise<Shown> {
  const client_id = `service-${Math.random()}`
  const client_secret = `${client_id}-secret`.padEnd(32, '0')
  const resource_scopes = { [ORDERS]: ['read:orders'] }
  await app.apply({
    clients: [{ client_id, client_secret, grant_types: ['client_credentials'], resource_scopes }],
  })
  return { headers: { authorization: basic(client_id, client_secret) } }
}

interface Wanted {
  readonly resource: string
  readonly scopes?: readonly string[]
  readonly env?: string
}

type Door = (shown: Shown, wanted: Wanted, address?: string) => Promise<Refusal | 'allowed'>

const serverOf = (resource: string) => (resource === ORDERS ? billing : warehouse)
const verify = async (asked: object, wanted: Wanted) =>
  relayed(
    resultOf(
      await askVerify(app, await verifierToken(app, serverOf(wanted.resource)), { ...asked, ...wanted }),
    ),
  )

/** Asks with the credential itself: no resource and no scope. */
const self: Door = async ({ headers }) => {
  const answer = await askSelf(app, headers)
  return answer.status === 200 ? 'allowed' : refusalOf(answer)
}
const verifyRequest: Door = ({ headers }, wanted, client_address = '127.0.0.1') =>
  verify({ request: { method: 'GET', url: '/orders', headers: pairsOf(headers), client_address } }, wanted)
const verifyCredential: Door = ({ text }, wanted) => verify({ credential: text }, wanted)

/** What the server of the resource learns: the scopes, or that it is not active. */
const introspect = async ({ text = '' }: Shown, resource: string) => {
  const { status, body } = await protocolPost(app.issuer, '/introspect', serverOf(resource), { token: text })
  expect(status).toBe(200)
  return body as { active?: unknown; scope?: string }
}
const INACTIVE = { active: false }

const problem = (status: number, code: string, challenge?: string): Refusal => ({
  status,
  code,
  challenge,
  type: 'application/problem+json',
})
const realm = () => `Bearer realm="${app.issuer}"`
const bad = () => problem(401, 'invalid_token', `${realm()}, error="invalid_token"`)

const spoilt = (text: string) => `${text.slice(0, -3)}${text.endsWith('AAA') ? 'BBB' : 'AAA'}`

describe.each(KINDS)('$name', kind => {
  const { resource, other, scope, missing, make } = kind
  const good = { resource, scopes: [scope] }

  it('good: allowed at every door', async () => {
    const shown = await make()
    expect(await self(shown, good)).toBe('allowed')
    expect(await verifyRequest(shown, good)).toBe('allowed')
    if (shown.text === undefined) return
    expect(await verifyCredential(shown, good)).toBe('allowed')
    expect(await introspect(shown, resource)).toMatchObject({
      active: true,
      scope: expect.stringContaining(scope),
    })
  })

  it('presented but bad: 401 invalid_token, inactive', async () => {
    const { headers, text } = await make()
    const [[name, value = ''] = ['']] = pairsOf(headers).filter(([one]) =>
      /^(?:authorization|x-api-key|cookie)$/.test(one),
    )
    const broken = name === 'cookie' ? value.replace(/(latchkey_session=)[^;]+/, '$1nobody') : spoilt(value)
    const shown = { headers: { [name]: broken }, ...(text !== undefined && { text: spoilt(text) }) }
    expect(await self(shown, good)).toEqual(bad())
    expect(await verifyRequest(shown, good)).toEqual(bad())
    if (text === undefined) return
    expect(await verifyCredential(shown, good)).toEqual(bad())
    expect(await introspect(shown, resource)).toEqual(INACTIVE)
  })

  it('ended: the same', async () => {
    const shown = await make()
    const ended = await askApp(app, {
      method: 'DELETE',
      path: '/v1/credentials/self',
      headers: shown.headers,
    })
    expect(ended.status).toBe(204)
    expect(await self(shown, good)).toEqual(bad())
    expect(await verifyRequest(shown, good)).toEqual(bad())
    if (shown.text === undefined) return
    expect(await verifyCredential(shown, good)).toEqual(bad())
    expect(await introspect(shown, resource)).toEqual(INACTIVE)
  })

  it('a scope missing: 403 with the scope; introspection leaves it out', async () => {
    const shown = await make()
    const wanted = { resource, scopes: [missing] }
    const refusal = problem(
      403,
      'insufficient_scope',
      `${realm()}, error="insufficient_scope", scope="${missing}"`,
    )
    expect(await verifyRequest(shown, wanted)).toEqual(refusal)
    if (shown.text === undefined) return
    expect(await verifyCredential(shown, wanted)).toEqual(refusal)
    expect((await introspect(shown, resource)).scope?.split(' ')).not.toContain(missing)
  })

  it('another audience: 403 wrong_audience; inactive for its server', async () => {
    if (other === undefined) return
    const shown = await make()
    const refusal = problem(403, 'wrong_audience')
    expect(await verifyRequest(shown, { resource: other })).toEqual(refusal)
    if (shown.text === undefined) return
    expect(await verifyCredential(shown, { resource: other })).toEqual(refusal)
    expect(await introspect(shown, other)).toEqual(INACTIVE)
  })

  it('two explicit credentials: 400', async () => {
    const { headers } = await make()
    const two = {
      headers: { ...headers, authorization: [headers.authorization ?? 'Bearer one', 'Bearer two'].flat() },
    }
    expect(await self(two, good)).toEqual(problem(400, 'ambiguous_credentials'))
    expect(await verifyRequest(two, good)).toEqual(problem(400, 'ambiguous_credentials'))
  })
})

describe.each(KINDS.filter(({ restricted }) => restricted))('$name, with its restrictions', kind => {
  const good = { resource: kind.resource, scopes: [kind.scope] }

  it('another environment: 403 wrong_environment', async () => {
    const shown = await kind.make({ env: 'test' })
    const wanted = { ...good, env: 'live' }
    expect(await verifyRequest(shown, { ...good, env: 'test' })).toBe('allowed')
    expect(await verifyRequest(shown, wanted)).toEqual(problem(403, 'wrong_environment'))
    expect(await verifyCredential(shown, wanted)).toEqual(problem(403, 'wrong_environment'))
  })

  it('another address: 403 address_not_allowed; inactive where none is known', async () => {
    const elsewhere = await kind.make({ allowed_addresses: ['192.0.2.0/24'] })
    const refusal = problem(403, 'address_not_allowed')
    expect(await self(elsewhere, good)).toEqual(refusal)
    expect(await verifyRequest(elsewhere, good)).toEqual(refusal)
    expect(await verifyRequest(elsewhere, good, '192.0.2.7')).toBe('allowed')
    expect(await verifyCredential(elsewhere, good)).toEqual(refusal)
    expect(await introspect(elsewhere, kind.resource)).toEqual(INACTIVE)
  })

  it.each<[string, object]>([
    ['not yet valid', { not_before: new Date(Date.now() + 86_400_000).toISOString() }],
    ['bound to a key that was not shown', { cnf: { jkt: 'yOBRTLmcfYWRTp9Aa0RHFjSqbAuN8M3dZ0RgkmtZJbc' } }],
  ])('%s: 401 invalid_token', async (_name, fields) => {
    const shown = await kind.make(fields)
    expect(await self(shown, good)).toEqual(bad())
    expect(await verifyRequest(shown, good)).toEqual(bad())
    expect(await verifyCredential(shown, good)).toEqual(bad())
  })

  it('over the limit: 429 with what to wait for, never 401', async () => {
    const shown = await kind.make({ rate_limit: { requests: 2, seconds: 3_600 } })
    for (let times = 0; times < 2; times++) expect(await self(shown, good)).toBe('allowed')
    for (const door of [self, verifyRequest, verifyCredential])
      expect(await door(shown, good)).toEqual(problem(429, 'rate_limited'))
    const own = await askSelf(app, shown.headers)
    const caller = await verifierToken(app)
    const asked = await askVerify(app, caller, { credential: shown.text, resource: kind.resource })
    const names = resultOf(asked).response?.headers.map(([name]) => name.toLowerCase())
    for (const name of ['retry-after', 'ratelimit', 'ratelimit-policy']) {
      expect(own.headers[name]).toEqual(expect.any(String))
      expect(names).toContain(name)
      expect(asked.headers[name]).toBeUndefined()
    }
  })
})

it('nothing presented: 401 with challenges and no error code', async () => {
  const none = { headers: {} }
  const refusal = problem(401, 'unauthenticated', challengesOf(app.issuer))
  expect(await self(none, { resource: ORDERS })).toEqual(refusal)
  expect(await verifyRequest(none, { resource: ORDERS })).toEqual(refusal)
})
