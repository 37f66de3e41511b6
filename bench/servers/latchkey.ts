/** This server, as main.ts puts it together, on the database of the bench. */
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { connect } from '../../src/db/connect.ts'
import { listen } from '../../src/http/server.ts'
import { createLog } from '../../src/log.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { report } from './report.ts'

const config = loadConfig(process.env)
const log = createLog(config.logLevel)
const db = connect(config.databaseUrl ?? '', { poolSize: config.databasePoolSize, log })
const app = await createApp({ config, db, keyring: createKeyring(config.secrets), log })
const server = await listen(app.koa, config)
report(server.port)
process.on('SIGTERM', async () => {
  await server.close()
  await app.stop()
  await db.destroy()
  process.exit(0)
})
