// Access tokens that were exchanged, as a credential kind: what they came of ends them, at once and when racing.
import { importJWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'
import { updateAccount } from '../../src/accounts/account.ts'
import { transaction } from '../../src/db/transaction.ts'
import { listSigningKeys } from '../../src/keys/signing-keys.ts'
import type { TestApp } from '../support/app.ts'
import { protocolPost } from '../support/authorization.ts'
import { exchange, gateway } from '../support/exchange.ts'
import { accountIdOf, allKnow, bearer, makePersonalToken, mintedTokensOf, SYSTEM } from '../support/minted.ts'
import { STOCK } from '../support/orders.ts'
import { keepsTheContract, type Presented } from './kind.contract.ts'

interface Exchanged extends Presented {
  readonly token: string
  /** Of the personal token. */
  readonly origin: string
}

/** For a personal token of a person whom nobody else uses. */
async function exchanged(app: TestApp, scopes: Record<string, string[]>): Promise<Exchanged> {
  const username = `person-${crypto.randomUUID().slice(0, 8)}`
  await app.apply({ accounts: [{ username, name: 'A Person' }], clients: [gateway] })
  await allKnow(app)
  const { secret, token: origin } = await makePersonalToken(app, { scopes }, username)
  const [resource] = Object.keys(scopes)
  const { body } = await exchange(app.issuer, secret, { resource })
  const { access_token: token = '' } = body
  return {
    token,
    origin: origin.id,
    headers: bearer(token),
    secrets: [token, token.split('.')[2] ?? token],
    subject: { type: 'account', id: await accountIdOf(app.db, username) },
  }
}

const ends = {
  'what it came of revoked': (app: TestApp, { origin }: Exchanged) =>
    mintedTokensOf(app).revoke(SYSTEM, origin),
  'what it came of in quarantine': (app: TestApp, { origin }: Exchanged) =>
    mintedTokensOf(app).quarantine(SYSTEM, origin),
  'revoked by its client': (app: TestApp, { token }: Exchanged) =>
    protocolPost(app.issuer, '/revoke', gateway, { token }),
  'the account disabled': async (app: TestApp, { subject }: Exchanged) => {
    await transaction(app.db, tx => updateAccount(tx, subject.id, { disabled: true }))
    await allKnow(app)
  },
}

const anyBad = {
  'cut short': (_app: TestApp, { token }: Exchanged) => bearer(token.slice(0, -1)),
  'one character more': (_app: TestApp, { token }: Exchanged) => bearer(`${token}A`),
}

async function signed(app: TestApp, { token }: Exchanged, change: JWTPayload) {
  const [key] = await listSigningKeys(app.db, app.keyring)
  const [header, claims] = token
    .split('.', 2)
    .map(part => JSON.parse(Buffer.from(part, 'base64url').toString()) as object)
  const jwt = new SignJWT({ ...claims, ...change }).setProtectedHeader(header as JWTHeaderParameters)
  return bearer(await jwt.sign(await importJWK(key?.privateJwk ?? {}, 'ES256')))
}

keepsTheContract<Exchanged>({
  kind: 'access-token',
  form: 'an exchanged JWT',
  create: app => exchanged(app, { 'https://api.example.com': ['read:orders'] }),
  bad: {
    ...anyBad,
    'our signature, came of nothing that is': (app, good) =>
      signed(app, good, { exchanged_from: [['credential', '0123456789abcdef']] }),
    'our signature, came of a client that is gone': (app, good) =>
      signed(app, good, { exchanged_from: [['client', 'nobody']] }),
    'our signature, came of a grant that is gone': (app, good) =>
      signed(app, good, { exchanged_from: [['grant', 'nothing']] }),
  },
  ends,
})

keepsTheContract<Exchanged>({
  kind: 'access-token',
  form: 'an exchanged opaque one',
  create: app => exchanged(app, { [STOCK]: ['read:stock'] }),
  bad: anyBad,
  ends,
})
