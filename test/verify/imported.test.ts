// A key that was imported from another system has no form of ours: at the doors that take a text, it may be anything.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { createAudit } from '../../src/audit/audit.ts'
import { createClientDirectory } from '../../src/clients/client-directory.ts'
import { createMintedTokens } from '../../src/credentials/minted-life-cycle.ts'
import { createChangeLog } from '../../src/db/change-log.ts'
import { transaction } from '../../src/db/transaction.ts'
import { createResourceDirectory } from '../../src/resources/resource-directory.ts'
import { createRevocations } from '../../src/revocation/revocation.ts'
import { askSelf } from '../credentials/kind.contract.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost } from '../support/authorization.ts'
import { exchange, gateway } from '../support/exchange.ts'
import { allKnow } from '../support/minted.ts'
import { billing, house, ORDERS, STOCK } from '../support/orders.ts'
import { askVerify, doorsFile, relayed, resultOf, verifierToken, warehouse } from './doors.ts'

const KEY = 'sk-another-systems-key-0123456789'

let app: TestApp
let caller: string
let id: string
beforeAll(async () => {
  app = await startApp({}, doorsFile)
  caller = await verifierToken(app)
  const { config, db, keyring, log } = app
  const changeLog = createChangeLog({ db, log })
  const shared = { config, db, keyring, changeLog, audit: createAudit({ db, log }) }
  const tokens = createMintedTokens({
    ...shared,
    revocations: createRevocations(shared),
    clients: createClientDirectory(shared),
    resources: createResourceDirectory(shared),
  })
  id = await transaction(db, tx =>
    tokens.importHashed(tx, {
      kind: 'api-key',
      owner: { type: 'client', id: 'billing' },
      name: 'From elsewhere',
      scopes: { [ORDERS]: ['read:orders'] },
      sha256: createHash('sha256').update(KEY).digest(),
    }),
  )
})
afterAll(() => app.close())

const introspect = async (client: typeof billing | typeof house, token: string) =>
  (await protocolPost(app.issuer, '/introspect', client, { token })).body

it('verified by its text, explained too', async () => {
  const asked = { credential: KEY, resource: ORDERS, scopes: ['read:orders'] }
  const identity = { kind: 'api-key', credential_id: id, client_id: 'billing', scopes: ['read:orders'] }
  expect(resultOf(await askVerify(app, caller, asked))).toMatchObject({ allowed: true, identity })
  const { checks = [] } = resultOf(await askVerify(app, caller, { ...asked, explain: true }))
  expect(checks[0]).toEqual({ name: 'presented', passed: true, detail: 'api-key' })
  expect(checks.every(({ passed }) => passed)).toBe(true)
})

it('what is wrong with it is its own answer; a text that nobody knows is answered as a token', async () => {
  const stock = await verifierToken(app, warehouse)
  const elsewhere = await askVerify(app, stock, { credential: KEY, resource: STOCK })
  expect(relayed(resultOf(elsewhere))).toMatchObject({ status: 403, code: 'wrong_audience' })
  const unknown = resultOf(
    await askVerify(app, caller, { credential: `${KEY}x`, resource: ORDERS, explain: true }),
  )
  expect(unknown.checks?.[0]).toEqual({ name: 'presented', passed: true, detail: 'access-token' })
})

it('is exchanged as any other key', async () => {
  await app.apply({ clients: [gateway] })
  await allKnow(app)
  const { body } = await exchange(app.issuer, KEY)
  const answer = await askSelf(app, { authorization: `Bearer ${body.access_token}` })
  expect(answer.json()).toMatchObject({ kind: 'access-token', subject: { id: 'billing' } })
  expect((await exchange(app.issuer, `${KEY}x`)).body.error).toBe('invalid_request')
})

it('introspected, and revoked by who holds it', async () => {
  expect(await introspect(billing, KEY)).toMatchObject({
    active: true,
    credential_id: id,
    scope: 'read:orders',
  })
  expect(await introspect(house, KEY)).toEqual({ active: false })
  await protocolPost(app.issuer, '/revoke', house, { token: KEY })
  expect(await introspect(billing, KEY)).toEqual({ active: false })
  expect((await askSelf(app, { 'x-api-key': KEY })).status).toBe(401)
})
