import type { CurrentPage } from '../layout/header.tsx'
import type { ScopeGroup } from '../layout/scope-list.tsx'
import type { TrailStep } from '../layout/trail.tsx'
import { usePage } from '../page-context.ts'

/** A personal access token or an API key, as pages show it: never its secret. */
export interface Minted {
  id: string
  name: string
  description?: string | undefined
  /** its public beginning and its last four characters */
  masked: string
  env: string
  state: MintedState
  scopes: ScopeGroup[]
  createdAt: Date
  notBefore?: Date | undefined
  /** undefined: never */
  expiresAt?: Date | undefined
  revokedAt?: Date | undefined
  lastUsed?: { at: Date; address?: string | undefined; userAgent?: string | undefined } | undefined
  /** undefined: any */
  allowedAddresses?: string[] | undefined
  rateLimit?: { requests: number; seconds: number } | undefined
  /** thumbprints of the keys that must be shown with it */
  binding?: { certificate?: string | undefined; dpop?: string | undefined } | undefined
  /** when it was rotated, until the new secret is used */
  pendingSince?: Date | undefined
  retiring?: { last4: string; until: Date } | undefined
  /** others know its secret; `where` is what a stranger typed */
  leak?: { at: Date; how: 'reported' | 'plain_http'; where: string | null } | undefined
}

export type MintedState = 'active' | 'pending' | 'notYet' | 'expired' | 'quarantined' | 'revoked'

/** What a form for a new one has, as typed, under the names of the fields. */
export interface MintedValues {
  name: string
  description: string
  env: string
  /** ticked: `<resource> <scope>` */
  scope: string[]
  /** seconds, `never` or `date` */
  expires_in: string
  /** yyyy-mm-dd */
  expires_at: string
  allowed_addresses: string
  rate_limit_requests: string
  rate_limit_seconds: string
  /** PEM or a fingerprint */
  cnf_certificate: string
  cnf_jkt: string
}

/** Whose pages these are: the same for a person's tokens, a client's keys, certificates and signing secrets. */
export interface MintedFrame {
  words: 'tokens' | 'keys' | 'certificates' | 'signingSecrets'
  current: CurrentPage
  /** the address of the list; the others stand below it */
  base: string
  /** the pages above the list */
  trail: TrailStep[]
}

export const mintedPath = ({ base }: MintedFrame, id: string) => `${base}/${encodeURIComponent(id)}`

export const isOver = ({ state }: Minted) => state === 'revoked' || state === 'expired'

export function useMintedWords({ words }: MintedFrame) {
  return usePage().messages[words]
}

/** The way up from a page below the list. */
export function useTrail(frame: MintedFrame, item?: Pick<Minted, 'id' | 'name'>): TrailStep[] {
  const { title } = useMintedWords(frame)
  const list = { href: frame.base, label: title }
  return [...frame.trail, list, ...(item ? [{ href: mintedPath(frame, item.id), label: item.name }] : [])]
}
