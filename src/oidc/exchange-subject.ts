/**
 * The subject token of an exchange (RFC 8693, section 2.1): an API key, a personal token or an access token of ours, judged
 * as at any other door. Why one is bad only the audit learns.
 */
import { asOfNow, endsWith, type IssuedToken } from '../credentials/as-of-now.ts'
import { bindingOf, isProved } from '../credentials/check-wanted.ts'
import { type Actor, grantsBehind, originOf } from '../credentials/exchanged.ts'
import { issuedJwt, looksLikeJwt, type VerifyJwtAccessToken } from '../credentials/jwt-access-token.ts'
import type { Confirmation, Identity, Wanted } from '../credentials/kind.ts'
import { Problem } from '../http/problem.ts'
import type { Reference } from '../revocation/revocation.ts'
import { looksMinted } from '../secrets/minted-format.ts'
import type { OidcDeps } from './deps.ts'
import { findStoredAccessToken } from './stored-access-token.ts'
import { isGrantAlive } from './stores/grant-store.ts'

/** A good one, as far as it goes at the resource. */
export interface ExchangeSubject {
  /** Its kind and public id, for the audit. */
  readonly kind: string
  readonly credentialId: string
  /** Whom it speaks for. */
  readonly subject: Identity['subject']
  /** What it may do there now. */
  readonly scopes: readonly string[]
  readonly expiresAt?: Date | undefined
  readonly cnf?: Confirmation | undefined
  readonly env?: string | undefined
  /** Who acted before. */
  readonly act?: Actor | undefined
  /** Everything whose end ends it. */
  readonly sources: readonly Reference[]
  /** Only this server can keep all of its limits. */
  readonly isLimited: boolean
}

/** What is wrong with it; `other_resource`: nothing, but it is not for this one. */
export interface BadSubject {
  readonly bad: 'subject' | 'other_resource' | 'too_often'
  readonly reason: string
  /** Of `too_often`. */
  readonly problem?: Problem
}

/** What was shown beside it: keys and an address. */
export type Shown = Required<Pick<Wanted, 'resource' | 'evidence'>> & Pick<Wanted, 'address' | 'userAgent'>

export type JudgeSubject = (token: string, shown: Shown) => Promise<ExchangeSubject | BadSubject>

/** Codes of refusals that say: good, but not for this. */
const ELSEWHERE: ReadonlySet<string> = new Set(['wrong_audience', 'wrong_environment', 'insufficient_scope'])

const bad = (reason: string): BadSubject => ({ bad: 'subject', reason })

export function createJudgeSubject(deps: OidcDeps, verifyJwt: VerifyJwtAccessToken): JudgeSubject {
  const { db, verifyMinted, origins } = deps

  async function find(token: string): Promise<IssuedToken | undefined> {
    if (!looksLikeJwt(token)) return (await findStoredAccessToken(deps, token))?.issued
    const claims = await verifyJwt(token)
    return claims && issuedJwt(claims)
  }

  async function judgeMinted(token: string, shown: Shown): Promise<ExchangeSubject> {
    const identity = await verifyMinted(token, shown)
    const { kind, credentialId, subject, scopes, expiresAt, cnf, env } = identity
    const sources: Reference[] = [{ kind: 'credential', id: credentialId }, referenceOf(subject)]
    const isLimited = await origins.isLimited(credentialId)
    return { kind, credentialId, subject, scopes, expiresAt, cnf, env, sources, isLimited }
  }

  async function judgeIssued(issued: IssuedToken, shown: Shown): Promise<ExchangeSubject | BadSubject> {
    const failed: { name?: string; refusal?: Problem | undefined } = {}
    const now = await asOfNow(
      deps,
      issued,
      (name, passed, _detail, refusal) => {
        if (!passed) Object.assign(failed, { name, refusal: refusal?.() })
        return passed
      },
      (id, resource) => origins.judge(id, { ...shown, resource }),
    )
    if (failed.refusal) throw failed.refusal
    if (!now) return bad(`it has ended: ${failed.name}`)
    for (const grant of grantsBehind(issued))
      if (!(await isGrantAlive(db, grant))) return bad('its grant has ended')
    if (!isProved(issued.cnf, shown.evidence)) return bad(`${bindingOf(issued.cnf)}, which was not shown`)
    if (issued.audience !== shown.resource || now.scopes.length === 0)
      return { bad: 'other_resource', reason: `it is for ${issued.audience ?? 'no resource'}` }
    const { id, clientId, accountId, exchanged, expiresAt, cnf } = issued
    const origin = originOf(exchanged)
    return {
      kind: 'access-token',
      credentialId: id,
      subject:
        exchanged?.subject ??
        (accountId === undefined ? { type: 'client', id: clientId } : { type: 'account', id: accountId }),
      scopes: now.scopes,
      expiresAt,
      cnf,
      env: exchanged?.env,
      act: exchanged?.act,
      sources: endsWith(issued),
      isLimited: origin !== undefined && (await origins.isLimited(origin)),
    }
  }

  return async (token, shown) => {
    try {
      const isOurs = looksMinted(token) !== undefined
      const issued = isOurs ? undefined : await find(token)
      if (issued) return await judgeIssued(issued, shown)
      // A key that was imported from another system looks like nothing in particular.
      return looksLikeJwt(token) ? bad('unknown, foreign or expired') : await judgeMinted(token, shown)
    } catch (error) {
      if (!(error instanceof Problem) || error.status >= 500) throw error
      const reason = error.detail ?? error.code
      if (error.status === 429) return { bad: 'too_often', reason, problem: error }
      return ELSEWHERE.has(error.code) ? { bad: 'other_resource', reason } : bad(reason)
    }
  }
}

const referenceOf = ({ type, id }: Identity['subject']): Reference => ({ kind: type, id })
