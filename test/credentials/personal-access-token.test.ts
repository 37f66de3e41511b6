// Personal access tokens as credentials: the contract.
import { updateAccount } from '../../src/accounts/account.ts'
import { setAccountRoles } from '../../src/accounts/role.ts'
import { transaction } from '../../src/db/transaction.ts'
import { formatMinted } from '../../src/secrets/minted-format.ts'
import { basic } from '../support/answers.ts'
import type { TestApp } from '../support/app.ts'
import { accountIdOf, allKnow, bearer, makePersonalToken, mintedTokensOf, SYSTEM } from '../support/minted.ts'
import { ORDERS, PASSWORD } from '../support/orders.ts'
import { keepsTheContract, type Presented } from './kind.contract.ts'

interface Token extends Presented {
  readonly id: string
  readonly secret: string
}

const OTHER_SECRET = Buffer.alloc(32, 9)

type Place = (secret: string) => { authorization: string }

const keepsItIn = (form: string, place: Place) =>
  keepsTheContract<Token>({
    kind: 'personal-access-token',
    form,
    async create(app) {
      const username = `person-${Math.random().toString(36).slice(2)}`
      const account = { username, name: 'A Person', password: PASSWORD, roles: ['orders-admin'] }
      await app.apply({ accounts: [account] })
      await allKnow(app)
      const { token, secret } = await makePersonalToken(
        app,
        { scopes: { [ORDERS]: ['admin:orders'] } },
        username,
      )
      return {
        id: token.id,
        secret,
        headers: place(secret),
        secrets: [secret, secret.slice(-49, -6)],
        subject: { type: 'account', id: await accountIdOf(app.db, username) },
      }
    },
    bad: {
      mistyped: (_app, { secret }) => place(secret.replace(/.$/, last => (last === 'x' ? 'y' : 'x'))),
      'an unknown id': () =>
        place(formatMinted({ prefix: 'lk', env: 'live', kind: 'pat', id: '0123456789abcdef' }, OTHER_SECRET)),
      'a wrong secret': (_app, { id }) =>
        place(formatMinted({ prefix: 'lk', env: 'live', kind: 'pat', id }, OTHER_SECRET)),
      'as a key': (_app, { id }) =>
        place(formatMinted({ prefix: 'lk', env: 'live', kind: 'key', id }, OTHER_SECRET)),
    },
    ends: {
      revoked: (app, { id }) => mintedTokensOf(app).revoke(SYSTEM, id),
      quarantined: (app, { id }) => mintedTokensOf(app).quarantine(SYSTEM, id),
      'its secret replaced at once': (app, { id }) =>
        mintedTokensOf(app).rotate(SYSTEM, id, { immediately: true }),
      'the account disabled': async (app: TestApp, { subject }) => {
        await transaction(app.db, tx => updateAccount(tx, subject.id, { disabled: true }))
        await allKnow(app)
      },
      'the role taken away': async (app: TestApp, { subject }) => {
        await transaction(app.db, tx => setAccountRoles(tx, subject.id, []))
        await allKnow(app)
      },
    },
  })

keepsItIn('as a bearer', bearer)
keepsItIn('as the password in Basic', secret => ({ authorization: basic('whoever 100%', secret) }))
