// Credentials that somebody finds: one of each kind, alive, and how to see whether it still is.
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { LEAK_REPORT } from '../../src/leaks/leaks.ts'
import { MAIL } from '../../src/mail/mail.ts'
import { askSelf } from '../credentials/kind.contract.ts'
import { nobody } from '../support/api-callers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, protocolPost } from '../support/authorization.ts'
import { parse } from '../support/mail-server.ts'
import { bearer, makeKey, makePersonalToken } from '../support/minted.ts'
import { ORDERS, ordersFile, ordersWeb, reports, STOCK } from '../support/orders.ts'
import { until } from '../support/process.ts'

/** A server whose mail goes to a folder of its own. */
export function startReporting(env: Record<string, string> = {}): Promise<TestApp> {
  return startApp({ DATA_DIR: mkdtempSync(join(tmpdir(), 'latchkey-leaks-')), ...env }, ordersFile)
}

export const report = (app: Pick<TestApp, 'issuer'>, body: unknown) =>
  nobody(app).call('POST', '/v1/leaks', body)

/** Everything that was reported has been dealt with. */
export async function settled(app: TestApp): Promise<void> {
  await until('everything in the outbox is done', async () => {
    const waiting = await app.db
      .selectFrom('outbox')
      .select('id')
      .where('finished_at', 'is', null)
      .where('topic', 'in', [LEAK_REPORT, MAIL])
      .execute()
    return waiting.length === 0
  })
}

/** What was written to the folder of the server's mail, oldest first: headers as they are, and the text. */
export function letters({ config }: Pick<TestApp, 'config'>): string[] {
  const folder = join(config.dataDir, 'outbox')
  try {
    return readdirSync(folder)
      .sort()
      .map(name => readFileSync(join(folder, name), 'utf8'))
      .map(raw => `${raw.slice(0, raw.indexOf('\n\n'))}\n\n${parse(raw).text}`)
  } catch {
    return []
  }
}

export interface Found {
  readonly token: string
  /** The subject of its audit rows; undefined: it is looked up by kind. */
  readonly id?: string
  isAlive(): Promise<boolean>
}

const takenAsBearer = (app: TestApp, token: string) => async () =>
  (await askSelf(app, bearer(token))).status === 200

async function clientAccessToken(app: TestApp, resource: string): Promise<Found> {
  const { body } = await protocolPost(app.issuer, '/token', reports, {
    grant_type: 'client_credentials',
    resource,
  })
  const token = body.access_token ?? ''
  return { token, isAlive: takenAsBearer(app, token) }
}

export const kinds: Readonly<Record<string, { kind: string; make: (app: TestApp) => Promise<Found> }>> = {
  'an API key': {
    kind: 'api-key',
    async make(app) {
      const { token, secret } = await makeKey(app)
      return { token: secret, id: token.id, isAlive: takenAsBearer(app, secret) }
    },
  },
  'a personal access token': {
    kind: 'personal-access-token',
    async make(app) {
      const { token, secret } = await makePersonalToken(app)
      return { token: secret, id: token.id, isAlive: takenAsBearer(app, secret) }
    },
  },
  'a JWT access token': { kind: 'access-token', make: app => clientAccessToken(app, ORDERS) },
  'an opaque access token': { kind: 'access-token', make: app => clientAccessToken(app, STOCK) },
  'a refresh token': {
    kind: 'refresh-token',
    async make(app) {
      const { token } = await codeFlow(app.issuer, app.agent(), ordersWeb, {
        params: { scope: 'openid offline_access read:orders' },
      })
      const refreshed = token.body.access_token ?? ''
      // Its access token ends with its grant.
      return { token: token.body.refresh_token ?? '', isAlive: takenAsBearer(app, refreshed) }
    },
  },
  'a client secret': {
    kind: 'client-secret',
    async make(app) {
      const secret = `a-secret-of-the-file-${Math.random()}`.padEnd(40, '0')
      const client = {
        client_id: `client-${Math.random()}`,
        client_secret: secret,
        organization: 'acme',
        grant_types: ['client_credentials'],
        resource_scopes: { [ORDERS]: ['read:orders'] },
      }
      await app.apply({ clients: [client] })
      return {
        token: secret,
        async isAlive() {
          const { status } = await protocolPost(app.issuer, '/token', client, {
            grant_type: 'client_credentials',
            resource: ORDERS,
          })
          expect([200, 401]).toContain(status)
          return status === 200
        },
      }
    },
  },
}

export async function leakEvents(app: TestApp, id: string) {
  return await app.db
    .selectFrom('audit_event')
    .select(['type', 'outcome', 'actor_type', 'client_id', 'detail', 'address'])
    .where('subject_id', '=', id)
    .where('type', '=', 'credential_leaked')
    .execute()
}
