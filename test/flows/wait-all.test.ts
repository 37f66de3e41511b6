// `?wait=all`: whoever revokes on one node may wait until no other node takes the credential any more. The nodes are real
// processes; the credential was hot on the other one.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Answer } from '../http/ground.ts'
import { form, tokenFrom } from '../support/node-requests.ts'
import { billing, ORDERS, ordersFile } from '../support/orders.ts'
import { type Cluster, type ServerProcess, startCluster } from '../support/server-process.ts'
import { createMaker, type MintedObject } from '../verify/minted.ts'

const SELF = '/v1/credentials/self'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster({ env: { LOG_LEVEL: 'warn' } }, ordersFile)
})
afterAll(() => cluster?.close())

interface Credential {
  readonly id?: string
  readonly headers: Record<string, string>
}

const SCOPES = { scopes: { [ORDERS]: ['read:orders'] } }

/** Made on the first node. */
const ada = () => createMaker(cluster.nodes[0], cluster.agent())

const minted = ({ id, secret }: MintedObject): Credential => ({ id, headers: { 'x-api-key': secret } })
const key = async () => minted(await (await ada()).key(SCOPES))
const personalToken = async () => minted(await (await ada()).token(SCOPES))

async function token(): Promise<Credential> {
  const request = form('/token', billing, { grant_type: 'client_credentials', resource: ORDERS })
  const { access_token } = tokenFrom(await cluster.nodes[0].ask(request))
  return { headers: { authorization: `Bearer ${access_token}` } }
}

const use = (node: ServerProcess, { headers }: Credential) => node.ask({ path: SELF, headers })

const end = (node: ServerProcess, { headers }: Credential, query: string) =>
  node.ask({ method: 'DELETE', path: `${SELF}${query}`, headers })

/** Uses it on `node` until it is kept in memory there, as far as it can be. */
async function heat(node: ServerProcess, credential: Credential): Promise<void> {
  for (let times = 0; times < 20; times++) expect((await use(node, credential)).status).toBe(200)
}

/** The statuses of 1,000 uses, 50 at a time. */
async function thousandUses(node: ServerProcess, credential: Credential): Promise<Map<number, number>> {
  const statuses = new Map<number, number>()
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => use(node, credential)))
    for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  return statuses
}

const waited = (answer: Answer) => answer.json() as { nodes: { live: number; acknowledged: number } }

describe('revoked on one node, used on the other', () => {
  test.each<[string, () => Promise<Credential>, boolean]>([
    ['an API key', key, false],
    ["an API key, revoked by its client's owner", key, true],
    ['a personal token', personalToken, false],
    ['an access token', token, false],
  ])('%s that was hot there: 1,000 uses, no success', async (_name, make, byOwner) => {
    const [first, second] = cluster.nodes
    const credential = await make()
    await heat(second, credential)
    const query = '?wait=all&timeout=30'
    const path = `/v1/api-keys/${credential.id}${query}`
    const revoked = byOwner
      ? await first.ask({ method: 'DELETE', path, headers: (await ada()).headers })
      : await end(first, credential, query)
    expect([revoked.status, revoked.json()]).toEqual([
      200,
      {
        revoked: 1,
        position: expect.stringMatching(/^\d+$/),
        nodes: { live: 2, acknowledged: 2 },
        took_ms: expect.any(Number),
      },
    ])
    expect(await thousandUses(second, credential)).toEqual(new Map([[401, 1_000]]))
  })

  test('a browser session', async () => {
    const [first, second] = cluster.nodes
    const { headers } = await ada()
    const { cookie = '' } = headers
    await heat(second, { headers })
    expect((await first.ask({ method: 'DELETE', path: SELF, headers: { cookie } })).status).toBe(403)
    expect((await end(first, { headers }, '?wait=all&timeout=30')).status).toBe(200)
    for (const node of cluster.nodes) expect((await use(node, { headers: { cookie } })).status).toBe(401)
  })
})

describe('the wait', () => {
  test('without it the answer is 204 and has no body', async () => {
    const answer = await end(cluster.nodes[0], await token(), '')
    expect([answer.status, answer.text]).toEqual([204, ''])
  })

  test.each([
    '?wait=some',
    '?wait=all&timeout=31',
    '?wait=all&timeout=-1',
    '?wait=all&timeout=1.5',
    '?wait=',
  ])('%s is a mistake, and nothing is revoked', async query => {
    const credential = await token()
    const answer = await end(cluster.nodes[0], credential, query)
    expect([answer.status, answer.json().code]).toEqual([400, 'validation_failed'])
    expect((await use(cluster.nodes[0], credential)).status).toBe(200)
  })

  test('the time over: 202, and the revocation stands', async () => {
    const [first, second] = cluster.nodes
    const credential = await token()
    await heat(second, credential)
    // A node that is seen, and reads nothing.
    await cluster.db
      .insertInto('node')
      .values({ id: 'stuck', seen_at: new Date(Date.now() + 3_600_000), polled_at: new Date(0) })
      .execute()
    const answer = await end(first, credential, '?wait=all&timeout=1')
    expect([answer.status, answer.json()]).toEqual([
      202,
      expect.objectContaining({ revoked: 1, nodes: { live: 3, acknowledged: expect.any(Number) } }),
    ])
    await cluster.db.deleteFrom('node').where('id', '=', 'stuck').execute()
    for (const node of [first, second]) expect((await use(node, credential)).status).toBe(401)
  })

  test('a node that is killed is waited for until it has been silent for 3 seconds', async () => {
    const [first, second] = cluster.nodes
    const credential = await token()
    await second.end('SIGKILL')
    const answer = await end(first, credential, '?wait=all&timeout=30')
    expect([answer.status, waited(answer).nodes]).toEqual([200, { live: 1, acknowledged: 1 }])
    expect((await use(first, credential)).status).toBe(401)
  })
})
