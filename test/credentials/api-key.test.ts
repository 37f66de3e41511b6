// API keys as credentials: the contract, in each place where one may be sent.
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { NewMintedToken } from '../../src/credentials/minted-life-cycle.ts'
import { appendChange } from '../../src/db/change-log.ts'
import { transaction } from '../../src/db/transaction.ts'
import { formatMinted } from '../../src/secrets/minted-format.ts'
import type { TestApp } from '../support/app.ts'
import { allKnow, bearer, makeKey, makePersonalToken, mintedTokensOf, SYSTEM } from '../support/minted.ts'
import { ORDERS } from '../support/orders.ts'
import { type Headers, keepsTheContract, type Presented } from './kind.contract.ts'

interface Key extends Presented {
  readonly id: string
  readonly secret: string
}

type Place = (secret: string) => Headers

const OTHER_SECRET = Buffer.alloc(32, 9)

const inPlace = (place: Place) => async (app: TestApp) => {
  // A client that nobody else uses, so that it can be disabled.
  const id = `service-${Math.random().toString(36).slice(2)}`
  const client_secret = `${id}-secret-for-tests-only-0123456789`
  const resource_scopes = { [ORDERS]: ['read:orders'] }
  await app.apply({
    clients: [{ client_id: id, client_secret, grant_types: ['client_credentials'], resource_scopes }],
  })
  await allKnow(app)
  const owner = { type: 'client' as const, id }
  const { token, secret } = await makeKey(app, { owner, scopes: { [ORDERS]: ['read:orders'] } })
  return presented(place, token.id, secret, id)
}

const presented = (place: Place, id: string, secret: string, clientId: string): Key => ({
  id,
  secret,
  headers: place(secret),
  secrets: [secret, secret.slice(-49, -6)],
  subject: { type: 'client', id: clientId },
})

const hour = 3_600_000

/** Made with these wishes, or changed by `after`. */
const keyWith =
  (place: Place, wishes: Partial<NewMintedToken>, after?: (app: TestApp, id: string) => Promise<unknown>) =>
  async (app: TestApp): Promise<Headers> => {
    const { token, secret } = await makeKey(app, wishes)
    await after?.(app, token.id)
    return place(secret)
  }

const expire = async (app: TestApp, id: string) => {
  await transaction(app.db, async tx => {
    await sql`UPDATE minted_token SET expires_at = clock_timestamp() WHERE id = ${id}`.execute(tx)
    await appendChange(tx, 'credential', { id })
  })
  await allKnow(app)
}

const bad = (place: Place) => ({
  mistyped: (_app: TestApp, { secret }: Key) =>
    place(secret.replace(/.$/, last => (last === 'x' ? 'y' : 'x'))),
  'cut short': (_app: TestApp, { secret }: Key) => place(secret.slice(0, -1)),
  'an unknown id': () =>
    place(formatMinted({ prefix: 'lk', env: 'live', kind: 'key', id: '0123456789abcdef' }, OTHER_SECRET)),
  'a wrong secret': (_app: TestApp, { id }: Key) =>
    place(formatMinted({ prefix: 'lk', env: 'live', kind: 'key', id }, OTHER_SECRET)),
  'another prefix': (_app: TestApp, { id }: Key) =>
    place(formatMinted({ prefix: 'other', env: 'live', kind: 'key', id }, OTHER_SECRET)),
  expired: keyWith(place, {}, expire),
  'not yet valid': (app: TestApp) => keyWith(place, { notBefore: new Date(Date.now() + hour) })(app),
  quarantined: keyWith(place, {}, (app, id) => mintedTokensOf(app).quarantine(SYSTEM, id)),
  'bound to a key that was not shown': keyWith(place, {
    cnf: { jkt: createHash('sha256').update('a key').digest('base64url') },
  }),
  'the id of a personal token': async (app: TestApp) => {
    const { token } = await makePersonalToken(app)
    return place(formatMinted({ prefix: 'lk', env: 'live', kind: 'key', id: token.id }, OTHER_SECRET))
  },
})

const disable = async (app: TestApp, { subject }: Key) => {
  await transaction(app.db, async tx => {
    await sql`UPDATE client SET disabled_at = clock_timestamp() WHERE client_id = ${subject.id}`.execute(tx)
    await appendChange(tx, 'client', { client_id: subject.id })
  })
  await allKnow(app)
}

const ends = {
  revoked: (app: TestApp, { id }: Key) => mintedTokensOf(app).revoke(SYSTEM, id),
  quarantined: (app: TestApp, { id }: Key) => mintedTokensOf(app).quarantine(SYSTEM, id),
  'its secret replaced at once': (app: TestApp, { id }: Key) =>
    mintedTokensOf(app).rotate(SYSTEM, id, { immediately: true }),
  expired: (app: TestApp, { id }: Key) => expire(app, id),
  'its client disabled': disable,
  'its scopes taken from the client': async (app: TestApp, { subject }: Key) => {
    await transaction(app.db, async tx => {
      await tx.deleteFrom('client_scope').where('client_id', '=', subject.id).execute()
      await appendChange(tx, 'client', { client_id: subject.id })
    })
    await allKnow(app)
  },
}

const inXApiKey: Place = secret => ({ 'x-api-key': secret })
const inAuthorization: Place = secret => ({ authorization: `ApiKey ${secret}` })

keepsTheContract<Key>({
  kind: 'api-key',
  form: 'as a bearer',
  create: inPlace(bearer),
  bad: bad(bearer),
  ends,
})
keepsTheContract<Key>({
  kind: 'api-key',
  form: 'in X-API-Key',
  create: inPlace(inXApiKey),
  bad: bad(inXApiKey),
  ends,
})

/** A key of another system, of which only its SHA-256 is known here. */
keepsTheContract<Key>({
  kind: 'api-key',
  form: 'from another system',
  async create(app) {
    const secret = `sk_prod_${createHash('sha256').update(String(Math.random())).digest('base64url')}`
    const sha256 = createHash('sha256').update(secret).digest()
    const id = await transaction(app.db, tx =>
      mintedTokensOf(app).importHashed(tx, {
        ...{ kind: 'api-key', owner: { type: 'client', id: 'billing' }, name: 'from before' },
        ...{ scopes: { [ORDERS]: ['read:orders'] }, sha256 },
      }),
    )
    return { ...presented(inAuthorization, id, secret, 'billing'), secrets: [secret] }
  },
  bad: {
    'another one': () => inAuthorization('sk_prod_nobody_knows_this_one_0123456789'),
    'a short one': () => inAuthorization('sk'),
    empty: () => inAuthorization(''),
  },
  ends: { revoked: ends.revoked, 'its secret replaced at once': ends['its secret replaced at once'] },
})
