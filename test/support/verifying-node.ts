// What of a node verifies API keys and personal tokens, as a node of its own on a database: its memory, its counters, its
// change log. For questions that no door asks, and for a second node in one process.
import { createAudit } from '../../src/audit/audit.ts'
import { createClientDirectory } from '../../src/clients/client-directory.ts'
import { apiKey } from '../../src/credentials/api-key.ts'
import { createDpop } from '../../src/credentials/dpop.ts'
import type { CredentialKind } from '../../src/credentials/kind.ts'
import { createMinted, type Minted } from '../../src/credentials/minted.ts'
import { personalAccessToken } from '../../src/credentials/personal-access-token.ts'
import { createRefusals } from '../../src/credentials/refusals.ts'
import { createReplayMemory } from '../../src/credentials/replay.ts'
import { type ChangeLog, createChangeLog } from '../../src/db/change-log.ts'
import type { Db } from '../../src/db/connect.ts'
import { createDpopNonces } from '../../src/oidc/dpop.ts'
import { createResourceDirectory } from '../../src/resources/resource-directory.ts'
import { createRevocations } from '../../src/revocation/revocation.ts'
import type { TestApp } from './app.ts'

export interface TestNode extends Minted {
  readonly kinds: readonly CredentialKind[]
  readonly changeLog: ChangeLog
  /** Writes the audit events that wait. */
  flush(): Promise<void>
}

type Place = Pick<TestApp, 'config' | 'db' | 'keyring' | 'log'>

/** @param db the app's, or another pool on its database */
export async function startNode({ config, keyring, log, ...app }: Place, db: Db = app.db): Promise<TestNode> {
  const changeLog = createChangeLog({ db, log })
  const audit = createAudit({ db, log })
  const revocations = createRevocations({ db, changeLog })
  const clients = createClientDirectory({ db, changeLog })
  const resources = createResourceDirectory({ db, changeLog })
  await changeLog.start()
  await revocations.start()
  await resources.preload()
  const refusals = createRefusals(config.issuer)
  const dpop = createDpop({
    replays: createReplayMemory({ db, capacity: 1_000_000 }),
    nonces: createDpopNonces(keyring),
    refusals,
  })
  const deps = { config, db, keyring, log, audit, changeLog, revocations, clients, resources, dpop, refusals }
  const minted = createMinted(deps)
  const kindDeps = { verifyMinted: minted.verify, apiKeyHeader: config.apiKeyHeader, refusals }
  return {
    ...minted,
    kinds: [apiKey(kindDeps), personalAccessToken(kindDeps)],
    changeLog,
    flush: () => audit.flush(),
    async stop() {
      await minted.stop()
      await audit.stop()
      revocations.stop()
      clients.close()
      resources.close()
      await changeLog.stop()
    },
  }
}
