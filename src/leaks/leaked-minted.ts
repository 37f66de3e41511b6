/** API keys and personal access tokens, those with the secrets of other systems too. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { paths } from '../../views/layout/paths.ts'
import type { MintedTokens } from '../credentials/minted-life-cycle.ts'
import { idsOfImported, matchSecret } from '../credentials/minted-secret.ts'
import { KIND_OF_FORMAT, ownership } from '../credentials/minted-token.ts'
import { rememberOnce } from '../credentials/replay.ts'
import type { Db } from '../db/connect.ts'
import { hashSecret } from '../secrets/hash.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { parseMinted } from '../secrets/minted-format.ts'
import type { FindLeaked, Leaked } from './leaked.ts'

export interface LeakedMintedDeps {
  readonly db: Db
  readonly keyring: Keyring
  readonly minted: Pick<MintedTokens, 'revoke' | 'quarantine'>
}

/** How long a replaced secret is known to have been reported. */
const REMEMBERED_SECONDS = 366 * 86_400

export function findLeakedMinted({ db, keyring, minted }: LeakedMintedDeps): FindLeaked {
  const idsOf = (text: string): readonly string[] => {
    const parts = parseMinted(text)
    if (parts === 'malformed') return []
    if (parts) return [parts.id]
    return idsOfImported(keyring, createHash('sha256').update(text).digest())
  }

  async function find(text: string, id: string): Promise<Leaked[]> {
    const row = await db
      .selectFrom('minted_token')
      .selectAll()
      .select(sql<Date>`clock_timestamp()`.as('now'))
      .where('id', '=', id)
      .executeTakeFirst()
    const matched = row && matchSecret(keyring, text, row)
    if (!row || !matched) return []
    const { kind, owner } = ownership(row)
    const parts = parseMinted(text)
    if (typeof parts === 'object' && KIND_OF_FORMAT[parts.kind] !== kind) return []
    const isReplaced = matched.which === 'retired' && new Date(matched.retired.until) <= row.now
    const isExpired = row.expires_at !== null && row.expires_at <= row.now
    const list =
      owner.type === 'account' ? paths.tokens : `${paths.clients}/${encodeURIComponent(owner.id)}/keys`
    return [
      {
        kind,
        id,
        owner,
        ...(owner.type === 'client' && { clientId: owner.id }),
        name: row.name,
        page: `${list}/${id}`,
        alive: row.revoked_at === null && !isReplaced && !isExpired,

        async mark(tx, leak) {
          // The row remembers the leak of a secret that counts.
          if (isReplaced)
            return rememberOnce(
              tx,
              hashSecret(keyring, JSON.stringify(['leak', text])).hash,
              REMEMBERED_SECONDS,
            )
          const marked = await tx
            .updateTable('minted_token')
            .set({
              leak: sql<string>`${JSON.stringify(leak)}::jsonb || jsonb_build_object('at', clock_timestamp())`,
            })
            .where('id', '=', id)
            .where(sql<boolean>`leak->>'last4' IS DISTINCT FROM ${leak.last4}`)
            .returning('id')
            .executeTakeFirst()
          return marked !== undefined
        },

        end: (how, source) => minted[how]({ source }, id, 'leaked'),
      },
    ]
  }

  return async text => (await Promise.all(idsOf(text).map(id => find(text, id)))).flat()
}
