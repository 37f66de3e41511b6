/**
 * What the use of a key or personal token leaves behind: usage in batches, audit rows where something is worth telling,
 * and the few changes that a first use makes: a new secret begins to count, a hash of another kind becomes one of ours.
 */
import type { Audit, Source } from '../audit/audit.ts'
import type { Config } from '../config.ts'
import { appendChange, type ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import type { Logger } from '../log.ts'
import { hashSecret } from '../secrets/hash.ts'
import type { Keyring } from '../secrets/keyring.ts'
import type { Identity, Wanted } from './kind.ts'
import { mintedEvent } from './minted-actor.ts'
import type { MintedTokens } from './minted-life-cycle.ts'
import { activatePending } from './minted-rotation.ts'
import type { MatchedSecret } from './minted-secret.ts'
import { CREDENTIAL_CHANGE, type MintedRow } from './minted-token.ts'
import { createSeldom } from './seldom.ts'
import type { RetiredSecret } from './tables.ts'
import type { Usage } from './usage.ts'

export interface Use {
  readonly token: string
  readonly row: MintedRow
  readonly matched: MatchedSecret
  readonly identity: Identity
}

export interface MintedUses {
  /** @throws when the first use of a new secret cannot be written down */
  succeeded(use: Use, wanted: Wanted): Promise<void>
  refused(row: MintedRow, wanted: Wanted): void
  /** A replaced secret after its grace: reported, and then what the operator's policy says. */
  retiredUsed(row: MintedRow, secret: RetiredSecret, wanted: Wanted): Promise<void>
}

export interface MintedUsesDeps {
  readonly config: Pick<Config, 'retiredSecretPolicy'>
  readonly db: Db
  readonly log: Logger
  readonly keyring: Keyring
  readonly audit: Audit
  readonly changeLog: Pick<ChangeLog, 'catchUp'>
  readonly usage: Pick<Usage, 'note'>
  readonly tokens: Pick<MintedTokens, 'revoke' | 'quarantine'>
}

/** How often one node tells that a replaced secret is still in use. */
const TOLD_EVERY_MS = 3_600_000
const REASON = 'retired_secret_used'

const sourceOf = ({ address, userAgent }: Wanted): Source => ({
  ...(address !== undefined && address !== '' && { address }),
  ...(userAgent !== undefined && { userAgent }),
})

export function createMintedUses(deps: MintedUsesDeps): MintedUses {
  const { config, db, log, keyring, audit, changeLog, usage, tokens } = deps
  const isToTell = createSeldom(TOLD_EVERY_MS)

  function tellInGrace({ row, identity }: Use, { last4, until }: RetiredSecret, source: Source): void {
    if (!isToTell(`${row.id} ${last4}`)) return
    audit.recordLater(mintedEvent({ identity, source }, row, 'replaced_secret_used', { last4, until }))
  }

  /** Under the newest pepper from now on. It may fail: then the next use tries again. */
  async function rehash({ token, row }: Use): Promise<void> {
    const { hash, pepperId } = hashSecret(keyring, token)
    try {
      await transaction(db, async tx => {
        const changed = await tx
          .updateTable('minted_token')
          .set({ secret_hash: hash, hashed_with: pepperId, last4: token.slice(-4) })
          .where('id', '=', row.id)
          .where('hashed_with', '=', row.hashed_with)
          .where('secret_hash', '=', row.secret_hash)
          .returning('id')
          .executeTakeFirst()
        if (changed) await appendChange(tx, CREDENTIAL_CHANGE, { id: row.id })
      })
    } catch (error) {
      log.warn(
        { err: error, credential: row.id },
        'a token could not be hashed anew; its next use tries again',
      )
    }
  }

  return {
    async succeeded(use, wanted) {
      const { row, matched, identity } = use
      const source = sourceOf(wanted)
      if (matched.which === 'pending')
        await activatePending({ db, audit, changeLog }, { identity, source }, row.id, matched.pending)
      else if (matched.which === 'retired') tellInGrace(use, matched.retired, source)
      else if (row.hashed_with !== keyring.derive('pepper')[0]?.id) await rehash(use)
      usage.note(row.id, { outcome: 'success', address: wanted.address, userAgent: wanted.userAgent })
    },

    refused: row => usage.note(row.id, { outcome: 'refused' }),

    async retiredUsed(row, { last4, until }, wanted) {
      const source = sourceOf(wanted)
      const policy = config.retiredSecretPolicy
      const event = mintedEvent({ source }, row, 'used', { last4, retired_at: until, policy })
      audit.recordLater({ ...event, type: REASON, outcome: 'refused', actor: { type: 'anonymous' } })
      if (policy === 'report' || row.revoked_at !== null) return
      if (policy === 'revoke') await tokens.revoke({ source }, row.id, REASON)
      else await tokens.quarantine({ source }, row.id, REASON)
    },
  }
}
