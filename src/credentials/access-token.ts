/**
 * OAuth 2.0 access tokens.
 * - On the wire: `Authorization: Bearer …` (RFC 6750, section 2.1), a JWT (RFC 9068) or an opaque text; one that is bound
 *   to a key only as `Authorization: DPoP …`, with a proof (RFC 9449, section 7).
 * - Stored: nothing of a JWT; of an opaque one the HMAC, by the oidc room, which issues both.
 * - Ended by: its expiry, its own revocation (RFC 7009), the end of its grant, of the grant's browser session unless the
 *   grant is offline, of its client, of its account; of everything that it was exchanged for (exchanged.ts).
 */
import type { RequestView } from '../http/request-view.ts'
import { looksMinted } from '../secrets/minted-format.ts'
import { type AsOfNowDeps, asOfNow, type IssuedToken, type JudgeOrigin } from './as-of-now.ts'
import { findAuthorization } from './authorization.ts'
import { checkWanted } from './check-wanted.ts'
import { createChecks, type Need } from './checks.ts'
import type { Dpop, ShownProof } from './dpop.ts'
import { grantsBehind } from './exchanged.ts'
import { issuedJwt, looksLikeJwt, type VerifyJwtAccessToken } from './jwt-access-token.ts'
import type { CredentialKind, Identity, Wanted } from './kind.ts'
import type { Origins } from './origins.ts'
import type { Refusals } from './refusals.ts'

/** What only the issuing room can do; app.ts hands it over. */
export interface AccessTokens {
  readonly verifyJwt: VerifyJwtAccessToken
  /** Undefined when unknown or expired. */
  findOpaque(token: string): Promise<IssuedToken | undefined>
  /** Neither ended nor expired, nor is the browser session it hangs on. */
  isGrantAlive(grantId: string): Promise<boolean>
}

export interface AccessTokenDeps extends AsOfNowDeps {
  readonly accessTokens: AccessTokens
  readonly origins: Pick<Origins, 'judge'>
  readonly dpop: Dpop
  readonly refusals: Refusals
}

const NAME = 'access-token'

const SCHEMES = new Set(['bearer', 'dpop'])

/** For the audit, by the check that failed. */
const REASONS: Readonly<Record<string, string>> = {
  known: 'unknown, foreign or expired',
  revocation: 'revoked',
  client: 'its client is gone',
  account: 'its account is gone',
  resource: 'its resource is gone',
  permission: 'nothing it was for is permitted any more',
  grant: 'its grant has ended',
}

/** RFC 9110, section 11.2: `token68`, as both schemes have it. */
const TOKEN = /^[\w.~+/-]+=*$/

export function accessToken(deps: AccessTokenDeps): CredentialKind {
  const { accessTokens, origins, dpop, refusals } = deps

  async function findIssued(token: string): Promise<IssuedToken | undefined> {
    if (!looksLikeJwt(token)) return accessTokens.findOpaque(token)
    const claims = await accessTokens.verifyJwt(token)
    return claims && issuedJwt(claims)
  }

  /** What it came of is judged as if that were shown in its place. */
  const judgeOrigin =
    (request: RequestView, { env, evidence, explain, ...from }: Wanted, proof?: ShownProof): JudgeOrigin =>
    (id, resource) =>
      origins.judge(id, {
        resource,
        evidence: { ...evidence, ...(proof && { jkt: proof.jkt }) },
        address: from.address ?? request.address,
        ...(env !== undefined && { env }),
        ...(explain && { explain }),
      })

  async function verify(token: string, request: RequestView, wanted: Wanted): Promise<Identity> {
    const checks = createChecks(wanted.explain)
    const isJwt = looksLikeJwt(token)
    const need: Need = (name, passed, detail, refusal) =>
      checks.need(name, passed, detail, refusal ?? (() => refusals.invalidCredential(REASONS[name] ?? name)))
    need('shape', true, () => (isJwt ? 'it is a JSON Web Token' : 'it is an opaque token'))
    const proof = await dpop.judge(request, token, checks)
    const issued = await findIssued(token)
    need('known', issued !== undefined, () =>
      isJwt ? 'signed by this server and not expired' : 'issued by this server and not expired',
    )
    const now = issued && (await asOfNow(deps, issued, need, judgeOrigin(request, wanted, proof)))
    for (const grant of issued ? grantsBehind(issued) : [])
      need('grant', await accessTokens.isGrantAlive(grant), () => `its grant is ${grant}`)
    if (!issued || !now) {
      checks.settle()
      throw refusals.invalidCredential('nothing is left of it')
    }
    const is = { ...issued, audience: issued.audience ?? null, scopes: now.scopes, proof }
    checkWanted(refusals, is, wanted, checks)
    const identity = identityOf(issued, now.scopes, now.client.organizationId)
    if (!proof) return identity
    await dpop.spend(proof, wanted, checks)
    checks.settle()
    return { ...identity, ...dpop.newerNonce(proof) }
  }

  return {
    name: NAME,
    place: 'explicit',
    challenge: [refusals.bearerChallenge, refusals.dpopChallenge],

    claim(request) {
      const sent = findAuthorization(request)
      if (sent === undefined || !SCHEMES.has(sent.scheme) || looksMinted(sent.credentials)) return undefined
      const token = sent.credentials
      if (!TOKEN.test(token)) throw refusals.invalidCredential('malformed')
      return wanted => verify(token, request, wanted)
    },
  }
}

function identityOf(token: IssuedToken, scopes: readonly string[], organization: string | null): Identity {
  const { accountId, clientId, acr, cnf, exchanged } = token
  const own = accountId === undefined ? ({ type: 'client', id: clientId } as const) : undefined
  return {
    kind: NAME,
    credentialId: token.id,
    subject: exchanged?.subject ?? own ?? { type: 'account', id: accountId ?? '' },
    clientId,
    ...(own && !exchanged && organization !== null && { organization }),
    ...(exchanged && { act: exchanged.act }),
    ...(exchanged?.env !== undefined && { env: exchanged.env }),
    resource: token.audience ?? null,
    scopes,
    issuedAt: token.issuedAt,
    expiresAt: token.expiresAt,
    ...(acr !== undefined && { acr }),
    ...(cnf !== undefined && { cnf }),
  }
}
