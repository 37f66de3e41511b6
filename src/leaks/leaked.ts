/**
 * ROOM: leaks. Credentials that have become known to others: somebody has found one and tells us (leaks-api.ts), or it came
 * over a connection that everybody can read (plain-http.ts). It finds out what a text is a secret of, ends that as the
 * operator's policy says, writes it down and tells the owner (leaks.ts). It owns no table: each kind's mark is on its own
 * row. It does not judge whether a request is let in. app.ts mounts it; nobody else calls it.
 *
 * This file is the shape the kinds share. Each has a file that finds it: leaked-minted.ts, leaked-token.ts,
 * leaked-client-secret.ts.
 */
import type { Source } from '../audit/audit.ts'
import type { SeenLeak } from '../credentials/tables.ts'
import type { Tx } from '../db/connect.ts'
import type { LeakingKind } from '../setting-parsers.ts'

/** A credential whose secret others have. */
export interface Leaked {
  readonly kind: LeakingKind
  /** Public. */
  readonly id: string
  /** Who is told. */
  readonly owner: { readonly type: 'account' | 'client'; readonly id: string }
  readonly clientId?: string
  /** What its owner knows it by: its own name, or its client's. */
  readonly name: string
  /** The path of its page, or of the page where it is looked after. */
  readonly page: string
  /** It opens something still, or would once it is out of quarantine. */
  readonly alive: boolean
  /** @returns false when this secret has been noticed before: its owner knows */
  mark(tx: Tx, leak: Omit<SeenLeak, 'at'>): Promise<boolean>
  /** Refused on this node when the promise resolves. A second time it changes nothing. */
  end(how: 'quarantine' | 'revoke', source: Source): Promise<void>
}

/** What this text is a secret of: usually nothing or one thing, but several clients may have been given the same. */
export type FindLeaked = (text: string) => Promise<readonly Leaked[]>
