/**
 * This server, as main.ts puts it together, on the database of the bench. With BENCH_COUNT_STATEMENTS each answer says in
 * X-Bench-Statements how many statements its request made.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { connect } from '../../src/db/connect.ts'
import { listen } from '../../src/http/server.ts'
import { createLog } from '../../src/log.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { report } from './report.ts'

const config = loadConfig(process.env)
const log = createLog(config.logLevel)
const isCounting = process.env.BENCH_COUNT_STATEMENTS === 'true'
const counts = new AsyncLocalStorage<{ statements: number }>()
const plain = connect(config.databaseUrl ?? '', { poolSize: config.databasePoolSize, log })
const counted = plain.withPlugin({
  transformQuery: ({ node }) => node, // called for subqueries too
  async transformResult({ result }) {
    const count = counts.getStore()
    if (count) count.statements += 1
    return result
  },
})
const db = isCounting ? counted : plain
const app = await createApp({ config, db, keyring: createKeyring(config.secrets), log })
if (isCounting)
  app.koa.middleware.unshift((ctx, next) => {
    const count = { statements: 0 }
    return counts.run(count, async () => {
      await next()
      ctx.set('X-Bench-Statements', String(count.statements))
    })
  })
const server = await listen(app.koa, config, app.tls)
report(server.port)
process.on('SIGTERM', async () => {
  await server.close()
  await app.stop()
  await plain.destroy()
  process.exit(0)
})
