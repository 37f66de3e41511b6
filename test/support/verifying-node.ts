// What of a node verifies API keys and personal tokens, as a node of its own on a database: its memory, its counters, its
// change log. For questions that no door asks, and for a second node in one process.
import { createAudit } from '../../src/audit/audit.ts'
import { createClientDirectory } from '../../src/clients/client-directory.ts'
import { apiKey } from '../../src/credentials/api-key.ts'
import { type Credentials, createCredentials } from '../../src/credentials/credentials.ts'
import type { CredentialKind } from '../../src/credentials/kind.ts'
import { personalAccessToken } from '../../src/credentials/personal-access-token.ts'
import type { VerifyMinted } from '../../src/credentials/verify-minted.ts'
import { type ChangeLog, createChangeLog } from '../../src/db/change-log.ts'
import type { Db } from '../../src/db/connect.ts'
import { createDpopNonces } from '../../src/oidc/dpop.ts'
import { createResourceDirectory } from '../../src/resources/resource-directory.ts'
import { createRevocations } from '../../src/revocation/revocation.ts'
import type { TestApp } from './app.ts'
import { startNodeWork } from './queries.ts'

export interface TestNode extends Pick<Credentials, 'start' | 'stop'> {
  readonly tokens: Credentials['minted']
  readonly verify: VerifyMinted
  readonly kinds: readonly CredentialKind[]
  readonly changeLog: ChangeLog
  /** Writes the audit events that wait. */
  flush(): Promise<void>
}

type Place = Pick<TestApp, 'config' | 'db' | 'keyring' | 'log'>

/** @param db the app's, or another pool on its database */
export async function startNode({ config, keyring, log, ...app }: Place, db: Db = app.db): Promise<TestNode> {
  // Its clock stands still: what it remembers is trusted while the change log is read, however slow the machine.
  const changeLog = createChangeLog({ db, log, clock: () => 0 })
  const audit = createAudit({ db, log })
  const revocations = createRevocations({ db, changeLog })
  const clients = createClientDirectory({ db, changeLog })
  const resources = createResourceDirectory({ db, changeLog })
  await startNodeWork(() => changeLog.start())
  await revocations.start()
  await resources.preload()
  const deps = { config, db, keyring, log, audit, changeLog, revocations, clients, resources }
  const credentials = createCredentials({ ...deps, nonces: createDpopNonces(keyring) })
  const { verifyMinted, refusals } = credentials
  const kindDeps = { verifyMinted, apiKeyHeader: config.apiKeyHeader, refusals }
  return {
    tokens: credentials.minted,
    verify: verifyMinted,
    start: () => startNodeWork(credentials.start),
    kinds: [apiKey(kindDeps), personalAccessToken(kindDeps)],
    changeLog,
    flush: () => audit.flush(),
    async stop() {
      await credentials.stop()
      await audit.stop()
      revocations.stop()
      clients.close()
      resources.close()
      await changeLog.stop()
    },
  }
}
