/** What the oidc room stands on; app.ts puts it together once. */
import type { Audit } from '../audit/audit.ts'
import type { ClientDirectory } from '../clients/client-directory.ts'
import type { ClientUse } from '../clients/client-use.ts'
import type { Config } from '../config.ts'
import type { MintedIntrospection } from '../credentials/minted-introspection.ts'
import type { MintedTokens } from '../credentials/minted-life-cycle.ts'
import type { Origins } from '../credentials/origins.ts'
import type { VerifyMinted } from '../credentials/verify-minted.ts'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import type { CookieNames } from '../http/cookies.ts'
import type { Csrf } from '../http/csrf.ts'
import type { Outbound } from '../http/outbound.ts'
import type { SigningKeySet } from '../keys/signing-key-set.ts'
import type { TakeIndex } from '../keys/status-indexes.ts'
import type { Logger } from '../log.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import type { Revocations } from '../revocation/revocation.ts'
import type { Keyring } from '../secrets/keyring.ts'
import type { Store } from './stores/store.ts'

export interface OidcDeps {
  readonly config: Config
  readonly db: Db
  readonly keyring: Keyring
  readonly log: Logger
  readonly audit: Audit
  readonly changeLog: ChangeLog
  readonly revocations: Revocations
  readonly signingKeys: Pick<SigningKeySet, 'now'>
  readonly clients: ClientDirectory
  readonly clientUse: Pick<ClientUse, 'note'>
  readonly resources: ResourceDirectory
  readonly cookies: CookieNames
  readonly minted: MintedIntrospection & Pick<MintedTokens, 'revoke'>
  readonly verifyMinted: VerifyMinted
  readonly origins: Origins
  readonly csrf: Csrf
  readonly outbound: Outbound
  /** In PEM, those of now: whose certificates prove who a client is by a name in them. */
  readonly clientAuthorities: () => readonly string[]
  /** Of status lists. */
  readonly takeIndex: TakeIndex
  readonly wrapStore?: WrapStore | undefined
}

/**
 * Stands between the library and the store of a model: gives the store to use instead. Nothing in the product does; the
 * tests break a store with it, to see that they notice.
 */
export type WrapStore = (model: string, store: Store) => Store
