/** API keys and personal access tokens, put together: what makes them, what verifies them, and what runs beside. */
import { createAccountDirectory } from '../accounts/account-directory.ts'
import type { Audit } from '../audit/audit.ts'
import type { ClientDirectory } from '../clients/client-directory.ts'
import type { Config } from '../config.ts'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import { createDatabaseClock, type DatabaseClock } from '../db/database-clock.ts'
import type { Logger } from '../log.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import type { Revocations } from '../revocation/revocation.ts'
import type { Keyring } from '../secrets/keyring.ts'
import type { Dpop } from './dpop.ts'
import { createMintedDirectory } from './minted-directory.ts'
import { createMintedTokens, type MintedTokens } from './minted-life-cycle.ts'
import { createMintedUses } from './minted-uses.ts'
import { createOrigins, type Origins } from './origins.ts'
import { createRateLimits, type RateLimits } from './rate-limit.ts'
import type { Refusals } from './refusals.ts'
import { createUsage, type Usage } from './usage.ts'
import { createVerifyMinted, type VerifyMinted } from './verify-minted.ts'

export interface MintedDeps {
  readonly config: Config
  readonly db: Db
  readonly keyring: Keyring
  readonly log: Logger
  readonly audit: Audit
  readonly changeLog: ChangeLog
  readonly revocations: Revocations
  readonly clients: ClientDirectory
  readonly resources: ResourceDirectory
  readonly dpop: Dpop
  readonly refusals: Refusals
}

export interface Minted {
  readonly tokens: MintedTokens
  readonly verify: VerifyMinted
  /** For access tokens that came of one of them. */
  readonly origins: Origins
  /** For other credentials with the same restrictions: one clock, one count of uses, one exchange of rate limits. */
  readonly shared: { readonly clock: DatabaseClock; readonly usage: Usage; readonly rateLimits: RateLimits }
  /** Begins to write usage and to exchange rate limits. */
  start(): void
  /** Writes what is still in memory. Before the change log stops. */
  stop(): Promise<void>
}

export function createMinted(deps: MintedDeps): Minted {
  const { db, log, changeLog } = deps
  const accounts = createAccountDirectory({ db, changeLog })
  const clock = createDatabaseClock(changeLog)
  const directory = createMintedDirectory({ ...deps, accounts, clock })
  const usage = createUsage({ db, log })
  const rateLimits = createRateLimits({ db, log })
  const tokens = createMintedTokens(deps)
  const uses = createMintedUses({ ...deps, usage, tokens })
  return {
    tokens,
    shared: { clock, usage, rateLimits },
    verify: createVerifyMinted({ ...deps, minted: directory, rateLimits, uses }),
    origins: createOrigins({ ...deps, minted: directory, rateLimits }),
    start() {
      usage.start()
      rateLimits.start()
    },
    async stop() {
      await Promise.all([usage.stop(), rateLimits.stop()])
      directory.close()
      accounts.close()
      clock.close()
    },
  }
}
