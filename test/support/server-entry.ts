// Run by Node as a process of its own: the compiled server, put together as main.ts does, with what a race test needs.
// Settings come from the environment; the arguments are `--delay-after-reads=<ms>` and `--broken-storage`.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { KyselyPlugin, RootOperationNode } from 'kysely'
import type { Db } from '../../src/db/connect.ts'
import type { WrapStore } from '../../src/oidc/deps.ts'
import type { Store } from '../../src/oidc/stores/store.ts'
import type { Keyring } from '../../src/secrets/keyring.ts'

const { values } = parseArgs({
  options: { 'delay-after-reads': { type: 'string' }, 'broken-storage': { type: 'boolean' } },
})

const from = <T>(path: string): Promise<T> => import(new URL(`../../${path}`, import.meta.url).href)

// Node cannot read the pages' JSX, so the server runs from the build.
const { buildWhenStale } = await from<{ buildWhenStale(): boolean }>('bin/build.mjs')
if (!buildWhenStale()) throw new Error('The server does not compile: see above.')
const { createApp } = await from<typeof import('../../src/app.ts')>('dist/src/app.js')
const { loadConfig } = await from<typeof import('../../src/config.ts')>('dist/src/config.js')
const { connect } = await from<typeof import('../../src/db/connect.ts')>('dist/src/db/connect.js')
const { listen } = await from<typeof import('../../src/http/server.ts')>('dist/src/http/server.js')
const { createLog } = await from<typeof import('../../src/log.ts')>('dist/src/log.js')
const { hashCandidates } = await from<typeof import('../../src/secrets/hash.ts')>('dist/src/secrets/hash.js')
const { createKeyring } = await from<typeof import('../../src/secrets/keyring.ts')>(
  'dist/src/secrets/keyring.js',
)

/** Whoever reads and then acts on it finds that the world has moved on meanwhile. */
function delayAfterReads(ms: number): KyselyPlugin {
  const reads = new WeakSet<object>()
  const isRead = (node: RootOperationNode) =>
    node.kind === 'SelectQueryNode' ||
    (node.kind === 'RawNode' && /^\s*SELECT\b/i.test(node.sqlFragments[0] ?? ''))
  return {
    transformQuery({ node, queryId }) {
      if (isRead(node)) reads.add(queryId)
      return node
    },
    async transformResult({ result, queryId }) {
      if (reads.has(queryId)) await sleep(ms)
      return result
    },
  }
}

type Consumable = 'authorization_code' | 'device_code' | 'refresh_token' | 'pushed_authorization_request'

/** Single use as it must not be done: what `find` said is believed, and the mark is set without a condition. */
function breakSingleUse(db: Db, keyring: Keyring): WrapStore {
  const consumeOf = (table: Consumable) => async (id: string) => {
    await db
      .updateTable(table)
      .set({ consumed_at: new Date() })
      .where('id_hash', 'in', hashCandidates(keyring, id))
      .execute()
  }
  return (model, store) => {
    if (model === 'AuthorizationCode') return { ...store, consume: consumeOf('authorization_code') }
    if (model === 'DeviceCode') return { ...store, consume: consumeOf('device_code') }
    if (model === 'RefreshToken') return { ...store, consume: consumeOf('refresh_token') }
    if (model === 'PushedAuthorizationRequest')
      return { ...store, consume: consumeOf('pushed_authorization_request') }
    if (model === 'ReplayDetection') return { ...store, ...lookThenRemember(db) }
    return store
  }
}

/** As the library would have it: it looks, and when there was nothing it writes. */
function lookThenRemember(db: Db): Pick<Store, 'find' | 'upsert'> {
  const hash = (id: string) => Buffer.from(id, 'base64url')
  return {
    async find(id) {
      const row = await db
        .selectFrom('replay')
        .select('expires_at')
        .where('id_hash', '=', hash(id))
        .executeTakeFirst()
      return row && { jti: id }
    },
    async upsert(id, _payload, expiresIn = 300) {
      const expires_at = new Date(Date.now() + expiresIn * 1000)
      const row = { id_hash: hash(id), expires_at }
      await db
        .insertInto('replay')
        .values(row)
        .onConflict(conflict => conflict.doNothing())
        .execute()
    },
  }
}

const config = loadConfig(process.env)
const log = createLog(config.logLevel)
const keyring = createKeyring(config.secrets)
const plain = connect(config.databaseUrl ?? '', { poolSize: config.databasePoolSize, log })
const delay = values['delay-after-reads']
const db = delay === undefined ? plain : plain.withPlugin(delayAfterReads(Number(delay)))
const wrapStore = values['broken-storage'] ? breakSingleUse(db, keyring) : undefined
const app = await createApp({ config, db, keyring, log, wrapStore })
const server = await listen(app.koa, config, app.tls)
process.once('SIGTERM', async () => {
  await server.close()
  await app.stop()
  await plain.destroy()
})
process.stdout.write('ready\n')
