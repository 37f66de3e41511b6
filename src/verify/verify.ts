/**
 * ROOM: verify. The doors through which resource servers ask about credentials that were shown to them. It owns
 * `POST /v1/verify`: a decision, and for a refusal the answer to relay; and forward-auth (forward-auth.ts), where proxies
 * ask before they pass a request on. It does not judge credentials: that is
 * credentials/authenticate.ts, the same for every door. Introspection stays the provider's (oidc/presented-token.ts).
 */
import type { ClientDirectory } from '../clients/client-directory.ts'
import type { Authenticate } from '../credentials/authenticate.ts'
import type { Check } from '../credentials/checks.ts'
import { credentialHeaders } from '../credentials/credential-headers.ts'
import { identityJson } from '../credentials/identity-json.ts'
import type { Identity, Wanted } from '../credentials/kind.ts'
import type { Source } from '../http/context.ts'
import { Problem, validationFailed } from '../http/problem.ts'
import type { RequestView } from '../http/request-view.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import { askedRequests } from './asked-request.ts'
import { refusedAnswer } from './refused-answer.ts'
import type { VerifyAnswer, VerifyBody } from './verify-schema.ts'

export interface VerifyDeps {
  readonly issuer: string
  /** The identifier of our own API as a resource. */
  readonly ownResource: string
  readonly authenticate: Authenticate
  readonly clients: ClientDirectory
  readonly resources: ResourceDirectory
}

/** Who asks: let in already, with the scope `verify` on our own API. */
export interface Asking {
  readonly caller: Identity
  readonly requestId: string
}

/**
 * @throws Problem when the question itself is refused: 403 for a resource that is not the caller's to ask about, 400 for an
 * unknown one, 503 when it cannot be decided. A credential that is refused is an answer.
 */
export async function verify(deps: VerifyDeps, asking: Asking, body: VerifyBody): Promise<VerifyAnswer> {
  const { caller, requestId } = asking
  const { resource } = body
  if (!(await mayAsk(deps, caller, resource)))
    throw new Problem(403, 'access_denied', 'This client is not a server of that resource.')
  if (!(await deps.resources.find(resource)))
    throw validationFailed([{ path: 'resource', message: 'is not a resource of this server' }])

  const [first, second] = askedRequests(body, deps.issuer)
  const answer = await decide(deps, requestId, body, first, second !== undefined)
  if (!second || isKnown(answer)) return answer
  const other = await decide(deps, requestId, body, second)
  // What nobody knows is answered as what it looks like.
  return isKnown(other) ? other : answer
}

const isKnown = (answer: VerifyAnswer): boolean => answer.allowed || answer.response.status !== 401

async function decide(
  { authenticate }: VerifyDeps,
  requestId: string,
  { resource, scopes, env, explain }: VerifyBody,
  view: RequestView,
  tentative = false,
): Promise<VerifyAnswer> {
  const checks: Check[] = []
  const wanted: Wanted = {
    resource,
    scopes,
    ...(env !== undefined && { env }),
    ...(explain && { explain: check => void checks.push(check) }),
  }
  const explained = explain ? { checks } : {}
  const userAgent = view.header('user-agent')
  const source: Source = {
    requestId,
    ...(view.address !== '' && { address: view.address }),
    ...(userAgent !== undefined && { userAgent }),
  }
  try {
    const identity = await authenticate(view, { wanted, source, tentative })
    const headers = Object.entries(credentialHeaders(identity))
    const told = headers.length > 0 ? { headers } : {}
    return { allowed: true, identity: identityJson(identity), ...told, ...explained }
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500) throw error
    return { allowed: false, response: refusedAnswer(error, requestId), ...explained }
  }
}

/**
 * A client has the scope either from its ceiling, for every resource, or because it is the server of some
 * (resources/permission.ts): then for those only.
 */
async function mayAsk(deps: VerifyDeps, { clientId }: Identity, resource: string): Promise<boolean> {
  if (clientId === undefined) return true
  const client = await deps.clients.find(clientId)
  if (!client) return false
  return !!client.ceiling.get(deps.ownResource)?.has('verify') || client.introspect.includes(resource)
}
