/**
 * Access tokens that were exchanged for another credential (RFC 8693): what they say of where they come from. Such a token
 * ends with everything that it comes of and never may more than that may; as-of-now.ts and origins.ts see to it.
 */
import type { Reference } from '../revocation/revocation.ts'

/** RFC 8693, section 4.1: who acts, and in whom who acted before. */
export interface Actor {
  readonly sub: string
  readonly act?: Actor
}

export interface Exchanged {
  /** Whom the credential at the beginning speaks for. */
  readonly subject: { readonly type: 'account' | 'client'; readonly id: string }
  readonly act: Actor
  /** Everything whose end ends it, beside itself and its client. */
  readonly sources: readonly Reference[]
  /** Of the API key or personal token at the beginning. */
  readonly env?: string
}

/** `[kind, id]`, and for what ends by time of issue the seconds since 1970. */
type SourceClaim = readonly [kind: Reference['kind'], id: string, issuedAt?: number]

/** As claims of a JWT, and as an opaque token keeps it. `sub` is the subject. */
export interface ExchangeClaims {
  readonly sub: string
  readonly act: Actor
  readonly env?: string
  readonly exchanged_from: readonly SourceClaim[]
}

export function exchangeClaims({ subject, act, env, sources }: Exchanged): ExchangeClaims {
  return {
    sub: subject.id,
    act,
    ...(env !== undefined && { env }),
    exchanged_from: sources.map(({ kind, id, issuedAt }) =>
      issuedAt ? [kind, id, issuedAt.getTime() / 1000] : [kind, id],
    ),
  }
}

/** @param claims of a token that this server has issued */
export function exchangedFrom(claims: Partial<ExchangeClaims>): Exchanged | undefined {
  const { sub, act, env, exchanged_from: from } = claims
  if (sub === undefined || act === undefined || from === undefined) return undefined
  const sources = from.map(([kind, id, issuedAt]) => ({
    kind,
    id,
    ...(issuedAt !== undefined && { issuedAt: new Date(Math.round(issuedAt * 1000)) }),
  }))
  const isPersons = sources.some(({ kind }) => kind === 'account')
  return {
    subject: { type: isPersons ? 'account' : 'client', id: sub },
    act,
    sources,
    ...(env !== undefined && { env }),
  }
}

const idsOf = (kind: Reference['kind'], exchanged: Exchanged | undefined): string[] =>
  exchanged?.sources.filter(source => source.kind === kind).map(({ id }) => id) ?? []

/** The account that it speaks for. */
export const accountBehind = (exchanged: Exchanged | undefined): string | undefined =>
  exchanged?.subject.type === 'account' ? exchanged.subject.id : undefined

/** Clients without which it is nothing, beside its own. */
export const clientsBehind = (exchanged: Exchanged | undefined) => idsOf('client', exchanged)

/** The API key or personal token at the beginning, by its id. */
export const originOf = (exchanged: Exchanged | undefined): string | undefined =>
  idsOf('credential', exchanged)[0]

/** The grants that it hangs on, its own included. */
export function grantsBehind(token: {
  readonly grantId?: string
  readonly exchanged?: Exchanged
}): readonly string[] {
  return [...(token.grantId === undefined ? [] : [token.grantId]), ...idsOf('grant', token.exchanged)]
}

/** How often it was exchanged. */
export function exchangesOf(act: Actor | undefined): number {
  return act === undefined ? 0 : 1 + exchangesOf(act.act)
}
