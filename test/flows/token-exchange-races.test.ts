// Exchanges that are under way while what is exchanged ends: on two processes, where every read of the database takes 50 ms
// longer, so that whoever has judged it before the end issues after it. Nothing that came of it is alive afterwards.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { setClientDisabled } from '../../src/clients/client-state.ts'
import { transaction } from '../../src/db/transaction.ts'
import { backend, exchangeFile, exchangeParams, gateway } from '../support/exchange.ts'
import { allKnow, makeKey, mintedTokensOf, SYSTEM } from '../support/minted.ts'
import { form, introspect, tokenFrom } from '../support/node-requests.ts'
import { billing, ORDERS, STOCK } from '../support/orders.ts'
import { type Cluster, startCluster } from '../support/server-process.ts'
import { createStatusReader, readFrom } from '../support/status-reader.ts'

const AT_ONCE = 6

/** Of both resources, so that of one subject there are JWTs and of the other opaque tokens. */
const partner = {
  client_id: 'partner',
  client_secret: 'partner-secret-for-tests-only-0123456789abc',
  grant_types: ['client_credentials'],
  resource_scopes: { [ORDERS]: ['read:orders'], [STOCK]: ['read:stock'] },
}

let cluster: Cluster
beforeAll(async () => {
  const file = { ...exchangeFile, clients: [...exchangeFile.clients, partner] }
  const env = { DATABASE_POOL_SIZE: '20', LOG_LEVEL: 'warn' }
  cluster = await startCluster({ delayAfterReads: 50, env }, file)
})
afterAll(() => cluster?.close())

/** Until the subject is refused: all that came of it, and what came of one of those in turn. */
async function exchangeUntilRefused(subject: string, resource: string, begun: () => void): Promise<string[]> {
  const tokens: string[] = []
  const exchange = (client: typeof backend, token: string) =>
    form('/token', client, exchangeParams(token, { resource }) as Record<string, string>)
  for (let round = 0; round < 200; round++) {
    const [known] = tokens
    const answers = await cluster.together(AT_ONCE, at =>
      at < 2 && known !== undefined && resource === ORDERS
        ? exchange(backend, known)
        : exchange(gateway, subject),
    )
    const good = answers.filter(({ status }) => status === 200).map(one => tokenFrom(one).access_token)
    for (const { status, text } of answers)
      if (status !== 200) expect([status, JSON.parse(text).error]).toEqual([400, 'invalid_request'])
    if (good.length === 0) return tokens
    tokens.push(...good)
    begun()
  }
  throw new Error('it is exchanged for ever')
}

async function expectDead(tokens: readonly string[]): Promise<void> {
  const reader = createStatusReader(cluster.issuer, readFrom(cluster.nodes[1]))
  const isDead = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    for (const node of cluster.nodes) {
      expect((await node.ask({ path: '/v1/credentials/self', headers })).status).toBe(401)
      expect((await introspect(node, gateway, token)).active).toBe(false)
    }
    if (token.includes('.')) expect(await reader.statusOf(token)).toBe(1)
  }
  await Promise.all(tokens.map(isDead))
}

const ofPartner = async (resource: string) =>
  tokenFrom(
    await cluster.nodes[0].ask(form('/token', partner, { grant_type: 'client_credentials', resource })),
  ).access_token

const ENDS = [
  [
    'an API key is revoked',
    ORDERS,
    async () => {
      const { secret, token } = await makeKey(cluster)
      return { subject: secret, end: () => mintedTokensOf(cluster).revoke(SYSTEM, token.id) }
    },
  ],
  [
    'a client is disabled',
    ORDERS,
    async () => {
      const { secret } = await makeKey(cluster, { owner: { type: 'client', id: billing.client_id } })
      const disable = (disabled: boolean) =>
        transaction(cluster.db, tx => setClientDisabled(tx, billing.client_id, disabled))
      return { subject: secret, end: () => disable(true), undo: () => disable(false) }
    },
  ],
  [
    'a JWT is revoked',
    ORDERS,
    async () => {
      const token = await ofPartner(ORDERS)
      return { subject: token, end: () => cluster.nodes[0].ask(form('/revoke', partner, { token })) }
    },
  ],
  [
    'an opaque token is revoked',
    STOCK,
    async () => {
      const token = await ofPartner(STOCK)
      return { subject: token, end: () => cluster.nodes[0].ask(form('/revoke', partner, { token })) }
    },
  ],
] as const

test.each(ENDS)('while %s', async (_, resource, create) => {
  const made: { subject: string; end(): Promise<unknown>; undo?(): Promise<unknown> } = await create()
  const begun = Promise.withResolvers<void>()
  const running = exchangeUntilRefused(made.subject, resource, begun.resolve)
  await Promise.race([begun.promise, running])
  await made.end()
  const tokens = await running
  await allKnow(cluster)
  expect(tokens.length).toBeGreaterThan(0)
  await expectDead(tokens)
  await made.undo?.()
  await allKnow(cluster)
})
