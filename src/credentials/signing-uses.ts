/** What the use of a signing secret leaves behind, beside the count of uses that every client credential has. */
import type { Audit, Source } from '../audit/audit.ts'
import type { Config } from '../config.ts'
import type { ClientCredentialRow } from './client-credential.ts'
import type { ClientCredentials } from './client-credential-life-cycle.ts'
import type { Identity, Wanted } from './kind.ts'
import { credentialEvent } from './minted-actor.ts'
import { createSeldom } from './seldom.ts'
import type { MatchedKey, RetiredKey } from './signing-material.ts'
import type { SigningSecrets } from './signing-secrets.ts'
import type { Usage } from './usage.ts'

export interface SigningUses {
  /** @throws when the first use of a new key cannot be written down */
  succeeded(row: ClientCredentialRow, matched: MatchedKey, identity: Identity, wanted: Wanted): Promise<void>
  refused(row: ClientCredentialRow): void
  /** A request that was signed with a replaced key after its grace: reported, and then what the operator's policy says. */
  retiredUsed(row: ClientCredentialRow, key: RetiredKey, wanted: Wanted): Promise<void>
}

export interface SigningUsesDeps {
  readonly config: Pick<Config, 'retiredSecretPolicy'>
  readonly audit: Pick<Audit, 'recordLater'>
  readonly usage: Pick<Usage, 'note'>
  readonly signingSecrets: Pick<SigningSecrets, 'activate'>
  readonly clientCredentials: Pick<ClientCredentials, 'revoke' | 'quarantine'>
}

/** How often one node tells that a replaced key is still in use. */
const TOLD_EVERY_MS = 3_600_000
const REASON = 'retired_secret_used'

const sourceOf = ({ address, userAgent }: Wanted): Source => ({
  ...(address !== undefined && address !== '' && { address }),
  ...(userAgent !== undefined && { userAgent }),
})

export function createSigningUses(deps: SigningUsesDeps): SigningUses {
  const { config, audit, usage, signingSecrets, clientCredentials } = deps
  const isToTell = createSeldom(TOLD_EVERY_MS)

  return {
    async succeeded(row, matched, identity, wanted) {
      const actor = { identity, source: sourceOf(wanted) }
      if (matched.which === 'pending') await signingSecrets.activate(actor, row.id, matched.pending.id)
      if (matched.which !== 'retired' || !isToTell(`${row.id} ${matched.retired.id}`)) return
      const { last4, until } = matched.retired
      audit.recordLater(credentialEvent(actor, row, 'replaced_secret_used', { last4, until }))
    },

    refused: row => usage.note(row.id, { outcome: 'refused' }),

    async retiredUsed(row, { last4, until }, wanted) {
      const source = sourceOf(wanted)
      const policy = config.retiredSecretPolicy
      const event = credentialEvent({ source }, row, 'used', { last4, retired_at: until, policy })
      audit.recordLater({ ...event, type: REASON, outcome: 'refused', actor: { type: 'anonymous' } })
      if (policy === 'report' || row.revoked_at !== null) return
      if (policy === 'revoke') await clientCredentials.revoke({ source }, row.id, REASON)
      else await clientCredentials.quarantine({ source }, row.id, REASON)
    },
  }
}
