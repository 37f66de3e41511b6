/**
 * The room put together: what makes credentials, what judges them, and what runs beside requests. The kinds are complete
 * once the oidc room is there, which has the tokens and sessions that it issued.
 */
import { createAccountDirectory } from '../accounts/account-directory.ts'
import type { Audit } from '../audit/audit.ts'
import type { ClientDirectory } from '../clients/client-directory.ts'
import type { Config } from '../config.ts'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import { createDatabaseClock } from '../db/database-clock.ts'
import type { Logger } from '../log.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import type { Revocations } from '../revocation/revocation.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { createClientCredentialDirectory } from './client-credential-directory.ts'
import { type ClientCredentials, createClientCredentials } from './client-credential-life-cycle.ts'
import { createDpop } from './dpop.ts'
import type { DpopNonces } from './dpop-proof.ts'
import type { CredentialKind } from './kind.ts'
import { type CredentialKindsDeps, credentialKinds } from './kinds.ts'
import { createMintedDirectory } from './minted-directory.ts'
import { createMintedIntrospection, type MintedIntrospection } from './minted-introspection.ts'
import { createMintedTokens, type MintedTokens } from './minted-life-cycle.ts'
import { createMintedUses } from './minted-uses.ts'
import { createOrigins, type Origins } from './origins.ts'
import { createRateLimits } from './rate-limit.ts'
import { createRefusals, type Refusals } from './refusals.ts'
import { createReplayMemory } from './replay.ts'
import { createSealAnew } from './seal-anew.ts'
import { createSigningSecrets, type SigningSecrets } from './signing-secrets.ts'
import { createSigningUses } from './signing-uses.ts'
import { createUsage } from './usage.ts'
import { createVerifyClientCredential } from './verify-client-credential.ts'
import { createVerifyMinted, type VerifyMinted } from './verify-minted.ts'

export interface CredentialsDeps {
  readonly config: Config
  readonly db: Db
  readonly keyring: Keyring
  readonly log: Logger
  readonly audit: Audit
  readonly changeLog: ChangeLog
  readonly revocations: Revocations
  readonly clients: ClientDirectory
  readonly resources: ResourceDirectory
  /** From the oidc room. */
  readonly nonces: DpopNonces
}

export interface Credentials {
  readonly refusals: Refusals
  /** API keys and personal access tokens: made, rotated, ended. */
  readonly minted: MintedTokens
  readonly verifyMinted: VerifyMinted
  readonly introspection: MintedIntrospection
  /** For access tokens that came of a key or a personal token. */
  readonly origins: Origins
  readonly clientCredentials: ClientCredentials
  readonly signingSecrets: SigningSecrets
  /** Every kind that this server takes. @param issued what other rooms know of what they issued */
  kinds(issued: Omit<CredentialKindsDeps, keyof OwnDeps>): readonly CredentialKind[]
  /** Begins to write usage, to exchange rate limits and to seal anew. */
  start(): void
  /** Writes what is still in memory. Before the change log stops. */
  stop(): Promise<void>
}

type OwnDeps = Pick<
  CredentialKindsDeps,
  | 'dpop'
  | 'refusals'
  | 'verifyMinted'
  | 'clientCredentials'
  | 'verifyClientCredential'
  | 'replays'
  | 'signingUses'
  | 'apiKeyHeader'
>

export function createCredentials(given: CredentialsDeps): Credentials {
  const { config, db, log, changeLog, nonces } = given
  const accounts = createAccountDirectory({ db, changeLog })
  const clock = createDatabaseClock(changeLog)
  const usage = createUsage({ db, log })
  const rateLimits = createRateLimits({ db, log })
  const refusals = createRefusals(config.issuer)
  const replays = createReplayMemory({ db, capacity: config.replayCapacity })
  const dpop = createDpop({ replays, nonces, refusals })
  const deps = { ...given, accounts, clock, usage, rateLimits, refusals, dpop }

  const tokens = createMintedTokens(deps)
  const minted = createMintedDirectory(deps)
  const uses = createMintedUses({ ...deps, tokens })
  const verifyMinted = createVerifyMinted({ ...deps, minted, uses })

  const clientCredentials = createClientCredentials(deps)
  const directory = createClientCredentialDirectory(deps)
  const signingSecrets = createSigningSecrets({ ...deps, clientCredentials })
  const own: OwnDeps = {
    dpop,
    refusals,
    verifyMinted,
    clientCredentials: directory,
    verifyClientCredential: createVerifyClientCredential(deps),
    replays,
    signingUses: createSigningUses({ ...deps, signingSecrets, clientCredentials }),
    apiKeyHeader: config.apiKeyHeader,
  }
  const workers = [usage, rateLimits, createSealAnew(deps)]
  return {
    refusals,
    minted: tokens,
    verifyMinted,
    introspection: createMintedIntrospection({ ...deps, verifyMinted }),
    origins: createOrigins({ ...deps, minted }),
    clientCredentials,
    signingSecrets,
    kinds: issued => credentialKinds({ ...issued, ...own }),
    start() {
      for (const worker of workers) worker.start()
    },
    async stop() {
      await Promise.all(workers.map(worker => worker.stop()))
      for (const one of [minted, directory, accounts, clock]) one.close()
    },
  }
}
