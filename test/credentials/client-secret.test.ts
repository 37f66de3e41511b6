// A client's secret in Basic: the contract, who may show one, and what it may do.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { sql } from 'kysely'
import { changed } from '../../src/clients/client.ts'
import { createClientSecret, endSecret } from '../../src/clients/client-secret.ts'
import { setClientDisabled } from '../../src/clients/client-state.ts'
import { findBasic, formDecoded, readBasic } from '../../src/credentials/basic.ts'
import type { Tx } from '../../src/db/connect.ts'
import { transaction } from '../../src/db/transaction.ts'
import { describeRequest } from '../../src/http/request-view.ts'
import { ask } from '../http/ground.ts'
import { basic } from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { allKnow } from '../support/minted.ts'
import { ORDERS, ordersFile, STOCK } from '../support/orders.ts'
import { queriesDuring } from '../support/queries.ts'
import {
  askSelf,
  badCredential,
  type Headers,
  keepsTheContract,
  outsideOf,
  type Presented,
} from './kind.contract.ts'

interface Shown extends Presented {
  readonly clientId: string
  readonly secret: string
  /** Of the secret. */
  readonly id: string
}

const show = (clientId: string, secret: string) => ({
  authorization: basic(encodeURIComponent(clientId), encodeURIComponent(secret)),
})

/** A client that nobody else uses. */
async function create(app: TestApp, settings: object = {}): Promise<Shown> {
  const clientId = `service-${Math.random().toString(36).slice(2)}`
  const secret = `a secret/with%signs+and:more ${clientId}`.padEnd(40, '0')
  await app.apply({
    clients: [
      {
        client_id: clientId,
        client_secret: secret,
        organization: 'acme',
        grant_types: ['client_credentials'],
        resource_scopes: { [ORDERS]: ['read:orders', 'admin:orders'] },
        ...settings,
      },
    ],
  })
  await allKnow(app)
  const row = app.db.selectFrom('client_secret').select('id').where('client_id', '=', clientId)
  const { id } = await row.executeTakeFirstOrThrow()
  const headers = show(clientId, secret)
  return { clientId, secret, id, headers, secrets: [secret], subject: { type: 'client', id: clientId } }
}

async function change(app: TestApp, { clientId }: Shown, make: (tx: Tx) => Promise<unknown>): Promise<void> {
  await transaction(app.db, async tx => {
    await make(tx)
    await changed(tx, clientId)
  })
  await allKnow(app)
}

keepsTheContract<Shown>({
  kind: 'client-secret',
  create: app => create(app),
  bad: {
    'a wrong secret': (_app, { clientId, secret }) => show(clientId, `${secret}x`),
    'an unknown client': (_app, { secret }) => show('nobody', secret),
    "another client's secret": (_app, { secret }) => show('billing', secret),
    'no secret': (_app, { clientId }) => show(clientId, ''),
    'no client': (_app, { secret }) => show('', secret),
    'not form-encoded': (_app, { clientId, secret }) => ({ authorization: basic(clientId, secret) }),
    'no colon': () => ({ authorization: `Basic ${Buffer.from('billing').toString('base64')}` }),
    'no base64': () => ({ authorization: 'Basic not*base64' }),
    'nothing after the scheme': () => ({ authorization: 'Basic' }),
    'no UTF-8': () => ({ authorization: `Basic ${Buffer.from([0xff, 0x3a, 0xff]).toString('base64')}` }),
    'U+0000': () => ({ authorization: basic('billing', '%00') }),
    'for a client without the grant type': async app => {
      const settings = { grant_types: ['authorization_code'], redirect_uris: ['http://127.0.0.1:8099/'] }
      return (await create(app, settings)).headers
    },
    'for a client that binds its tokens': async app =>
      (await create(app, { dpop_bound_access_tokens: true })).headers,
    'for a client that binds its tokens to certificates': async app =>
      (await create(app, { tls_client_certificate_bound_access_tokens: true })).headers,
  },
  ends: {
    revoked: async (app, { id }) => {
      await transaction(app.db, tx => endSecret(tx, id))
      await allKnow(app)
    },
    expired: (app, shown) =>
      change(app, shown, tx =>
        sql`UPDATE client_secret SET expires_at = clock_timestamp() WHERE id = ${shown.id}`.execute(tx),
      ),
    'its client disabled': (app, shown) =>
      change(app, shown, tx => setClientDisabled(tx, shown.clientId, true)),
    'its client gone': (app, shown) =>
      change(app, shown, tx => tx.deleteFrom('client').where('client_id', '=', shown.clientId).execute()),
    'its scopes taken from the client': (app, shown) =>
      change(app, shown, tx =>
        tx.deleteFrom('client_scope').where('client_id', '=', shown.clientId).execute(),
      ),
    'the grant type taken from the client': (app, shown) =>
      change(app, shown, tx =>
        tx
          .updateTable('client')
          .set({ grant_types: sql`'{}'` })
          .where('client_id', '=', shown.clientId)
          .execute(),
      ),
    'ended by itself': async (app, { headers }) => {
      const server = { issuer: app.issuer, port: app.config.port }
      const answer = await ask(server, { method: 'DELETE', path: '/v1/credentials/self', headers })
      expect(answer.status).toBe(204)
    },
  },
})

describe('a client in Basic', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({}, ordersFile)
  })
  afterAll(() => app.close())

  it('may do all that the client may there now', async () => {
    const shown = await create(app, {
      resource_scopes: { [ORDERS]: ['read:orders', 'write:orders'], [STOCK]: ['read:stock'] },
    })
    const self = async () => (await askSelf(app, shown.headers)).json()
    expect(await self()).toMatchObject({
      credential_id: shown.id,
      client_id: shown.clientId,
      organization: 'acme',
      resource: ORDERS,
      scopes: ['read:orders', 'write:orders'],
    })
    await change(app, shown, tx =>
      tx
        .deleteFrom('client_scope')
        .where('client_id', '=', shown.clientId)
        .where('scope', '=', 'write:orders')
        .execute(),
    )
    expect((await self()).scopes).toEqual(['read:orders'])
  })

  it('has several secrets, each good until its own end, and is told of one that comes', async () => {
    const shown = await create(app)
    const tomorrow = new Date(Date.now() + 86_400_000)
    const second = await transaction(app.db, tx =>
      createClientSecret(tx, app.keyring, { clientId: shown.clientId, expiresAt: tomorrow }),
    )
    await allKnow(app)
    const answers = [shown.secret, second.secret].map(secret =>
      askSelf(app, { authorization: basic(shown.clientId, encodeURIComponent(secret)) }),
    )
    const [lasting, ending] = await Promise.all(answers)
    expect([lasting?.status, ending?.status]).toEqual([200, 200])
    expect(lasting?.headers['x-credential-warning']).toBeUndefined()
    expect(ending?.headers['x-credential-warning']).toBe(
      `expires_soon; expires_at="${tomorrow.toISOString()}"`,
    )
    expect(ending?.json()).toMatchObject({ credential_id: second.id, expires_at: tomorrow.toISOString() })
  })

  it('refused, whatever is wrong: one look into the database; good: none', async () => {
    const shown = await create(app)
    const shut = await create(app)
    await askSelf(app, shut.headers)
    await change(app, shut, tx => setClientDisabled(tx, shut.clientId, true))
    for (const { clientId } of [shown, shut]) await askSelf(app, show(clientId, 'to have it in memory'))
    const looks = async (headers: Headers) => {
      const queries = await queriesDuring(async () => void (await askSelf(app, headers)))
      return queries.filter(text => text.includes('client'))
    }
    expect(await looks(shown.headers)).toEqual([])
    for (const headers of [show(shown.clientId, 'wrong'), show('nobody', shown.secret), shut.headers])
      expect((await looks(headers)).length).toBe(1)
    for (const headers of [show(shown.clientId, 'wrong'), show('nobody', shown.secret), shut.headers])
      expect(outsideOf(await askSelf(app, headers))).toEqual(badCredential(app.issuer))
  })

  it('is challenged when nothing was sent, but by no request of a browser', async () => {
    const challenges = async (headers: Record<string, string>) =>
      String((await askSelf(app, headers)).headers['www-authenticate'])
    expect(await challenges({})).toContain(`Basic realm="${app.issuer}", charset="UTF-8"`)
    for (const mode of ['navigate', 'cors', 'same-origin', 'no-cors'])
      expect(await challenges({ 'sec-fetch-mode': mode })).not.toContain('Basic')
    const accept = 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8'
    expect(await challenges({ accept })).not.toContain('Basic')
    expect(await challenges({ accept: '*/*' })).toContain('Basic')
    expect(await challenges({ authorization: basic('billing', 'wrong') })).not.toContain('Basic')
  })
})

describe('what stands in the header', () => {
  const pairOf = (authorization: string) =>
    findBasic(
      describeRequest({ method: 'GET', url: 'http://a.test/', headers: [['authorization', authorization]] }),
    )

  it('RFC 7617, section 2: the examples', () => {
    expect(pairOf('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==')).toEqual({ name: 'Aladdin', secret: 'open sesame' })
    expect(pairOf('Basic dGVzdDoxMjPCow==')).toEqual({ name: 'test', secret: '123£' })
  })

  it('RFC 6749, appendix B: form-encoded', () => {
    expect(formDecoded('+%25%26%2B')).toBe(' %&+')
    for (const text of ['%', '%zz', '%00', '%C2%A3', '%0d', 'ä']) expect(formDecoded(text)).toBeUndefined()
  })

  it('any pair comes back, with or without padding', () => {
    const name = fc.string({ unit: 'binary' }).filter(text => !text.includes(':'))
    fc.assert(
      fc.property(name, fc.string({ unit: 'binary' }), (name, secret) => {
        const encoded = Buffer.from(`${name}:${secret}`).toString('base64')
        expect(readBasic(encoded)).toEqual({ name, secret })
        expect(readBasic(encoded.replaceAll('=', ''))).toEqual({ name, secret })
      }),
    )
  })

  it('never throws, whatever is sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const read = readBasic(text)
        if (read !== 'malformed') expect(read.name).not.toContain(':')
      }),
    )
  })
})
