// API keys and personal access tokens for tests, made with the product's own functions. Whatever is done here every node
// knows of when the call returns.
import { createAudit } from '../../src/audit/audit.ts'
import { createClientDirectory } from '../../src/clients/client-directory.ts'
import { type Config, loadConfig } from '../../src/config.ts'
import {
  type Actor,
  createMintedTokens,
  type MintedTokens,
  type NewMintedToken,
} from '../../src/credentials/minted-life-cycle.ts'
import type { Db } from '../../src/db/connect.ts'
import { waitForAll } from '../../src/db/nodes.ts'
import { createLog } from '../../src/log.ts'
import { createResourceDirectory } from '../../src/resources/resource-directory.ts'
import { createRevocations } from '../../src/revocation/revocation.ts'
import type { Keyring } from '../../src/secrets/keyring.ts'
import { ORDERS } from './orders.ts'

export interface MintingApp {
  readonly db: Db
  readonly keyring: Keyring
  readonly config?: Config
}

/** Nothing is kept in memory here. */
const untrusted = { subscribe: () => () => undefined, isFresh: () => false }

/** Every node that serves on the database has read what was committed before. */
export async function allKnow({ db }: Pick<MintingApp, 'db'>): Promise<void> {
  const { complete } = await waitForAll(db, { timeoutSeconds: 30 })
  if (!complete) throw new Error('a node does not follow the change log')
}

export function mintedTokensOf({ db, keyring, config = loadConfig({}) }: MintingApp): MintedTokens {
  const changeLog = {
    ...untrusted,
    catchUp: () => allKnow({ db }),
  } as unknown as Parameters<typeof createRevocations>[0]['changeLog']
  return createMintedTokens({
    config,
    db,
    keyring,
    audit: createAudit({ db, log: createLog('silent') }),
    changeLog,
    revocations: createRevocations({ db, changeLog }),
    clients: createClientDirectory({ db, changeLog }),
    resources: createResourceDirectory({ db, changeLog }),
  })
}

/** The server itself: bounded by nothing but the owner and the operator. */
export const SYSTEM: Actor = { source: { address: '192.0.2.1', userAgent: 'a test' } }

export async function accountIdOf(db: Db, username: string): Promise<string> {
  const row = await db
    .selectFrom('account')
    .select('id')
    .where('username', '=', username)
    .executeTakeFirstOrThrow()
  return row.id
}

type Wishes = Partial<Omit<NewMintedToken, 'kind'>>

export function makeKey(app: MintingApp, wishes: Wishes = {}) {
  return mintedTokensOf(app).create(SYSTEM, {
    kind: 'api-key',
    owner: { type: 'client', id: 'billing' },
    name: 'nightly',
    scopes: { [ORDERS]: ['read:orders', 'write:orders'] },
    ...wishes,
  })
}

export async function makePersonalToken(app: MintingApp, wishes: Wishes = {}, username = 'ada') {
  return mintedTokensOf(app).create(SYSTEM, {
    kind: 'personal-access-token',
    owner: { type: 'account', id: await accountIdOf(app.db, username) },
    name: 'laptop',
    scopes: { [ORDERS]: ['read:orders', 'admin:orders'] },
    ...wishes,
  })
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** The token with another secret, and the CRC that belongs to it. */
export { formatMinted } from '../../src/secrets/minted-format.ts'
