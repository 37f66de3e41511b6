/**
 * The browser session of a person.
 * - On the wire: the session cookie, whose value is random.
 * - Stored: by the oidc room, as HMAC; there is one session, at every door.
 * - Ended by: signing out, another sign-in, its owner elsewhere, its expiry, the account being disabled.
 *
 * Browsers send it without being asked: a route that changes something and takes this kind checks the CSRF token too.
 */
import type { BrowserSession } from '../accounts/browser-session.ts'
import type { Db } from '../db/connect.ts'
import type { CookieNames } from '../http/cookies.ts'
import type { RequestView } from '../http/request-view.ts'
import { accountScopes } from '../resources/permission.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import type { Revocations } from '../revocation/revocation.ts'
import { checkWanted } from './check-wanted.ts'
import { createChecks } from './checks.ts'
import type { CredentialKind, Identity, Wanted } from './kind.ts'
import type { Refusals } from './refusals.ts'

export interface SessionDeps {
  readonly db: Db
  readonly cookies: Pick<CookieNames, 'session'>
  readonly resources: ResourceDirectory
  readonly revocations: Revocations
  readonly refusals: Refusals
  /** The resource that a session is for when nothing else is wanted: our own JSON API. */
  readonly ownResource: string
  /** Undefined for a cookie value that means nobody. From the oidc room. */
  readonly findSession: (cookie: string) => Promise<BrowserSession | undefined>
}

const NAME = 'session'

export function session(deps: SessionDeps): CredentialKind {
  const { db, cookies, resources, revocations, refusals, findSession } = deps

  /** A session is its account: all that the account may do there now. */
  async function scopesOf(accountId: string, identifier: string): Promise<string[]> {
    const resource = await resources.find(identifier)
    return resource ? [...(await accountScopes(db, accountId, resource))] : []
  }

  async function verify(value: string, wanted: Wanted): Promise<Identity> {
    const checks = createChecks(wanted.explain)
    const bad = (reason: string) => () => refusals.invalidCredential(reason)
    const found = await findSession(value)
    const isKnown = found !== undefined
    checks.need('known', isKnown, () => 'neither ended nor expired', bad('unknown, expired or ended'))
    if (!found) {
      checks.settle()
      throw refusals.invalidCredential('nothing is left of it')
    }
    const { uid, accountId, signedInAt, acr } = found
    const refs = [
      { kind: 'session', id: uid },
      { kind: 'account', id: accountId },
    ] as const
    const isRevoked = await revocations.isRevoked(refs)
    checks.need('revocation', !isRevoked, () => 'it and its account are looked up', bad('revoked'))
    const resource = wanted.resource ?? deps.ownResource
    const scopes = await scopesOf(accountId, resource)
    checkWanted(refusals, { scopes }, wanted, checks)
    return {
      kind: NAME,
      credentialId: uid,
      subject: { type: 'account', id: accountId },
      resource,
      scopes,
      issuedAt: signedInAt,
      ...(acr !== undefined && { acr }),
    }
  }

  return {
    name: NAME,
    place: 'cookie',

    claim(request) {
      const value = findCookie(request, cookies.session)
      if (value === undefined) return undefined
      if (!/^[\w-]+$/.test(value)) throw refusals.invalidCredential('malformed')
      return wanted => verify(value, wanted)
    },
  }
}

/** RFC 6265, section 5.4: the first of several is the one with the longest path. */
function findCookie(request: RequestView, name: string): string | undefined {
  const pairs = (request.header('cookie') ?? '').split(';').map(pair => pair.trim())
  return pairs.find(pair => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}
