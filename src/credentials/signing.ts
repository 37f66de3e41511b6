/** Everything about signing secrets that lives as long as the server: put together here, handed around by app.ts. */
import type { Db } from '../db/connect.ts'
import type { Logger } from '../log.ts'
import { createSealAnew, type SealAnew } from './seal-anew.ts'
import { createSigningSecrets, type SigningSecretDeps, type SigningSecrets } from './signing-secrets.ts'
import { createSigningUses, type SigningUses, type SigningUsesDeps } from './signing-uses.ts'

export interface SigningDeps
  extends SigningSecretDeps,
    Omit<SigningUsesDeps, 'config' | 'signingSecrets' | 'clientCredentials'> {
  readonly config: SigningSecretDeps['config'] & SigningUsesDeps['config']
  readonly db: Db
  readonly log: Logger
  readonly clientCredentials: SigningSecretDeps['clientCredentials'] & SigningUsesDeps['clientCredentials']
}

export interface Signing extends SealAnew {
  readonly secrets: SigningSecrets
  readonly uses: SigningUses
}

export function createSigning(deps: SigningDeps): Signing {
  const secrets = createSigningSecrets(deps)
  const uses = createSigningUses({ ...deps, signingSecrets: secrets })
  return { secrets, uses, ...createSealAnew(deps) }
}
