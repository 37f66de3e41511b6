/**
 * A client's own secret, shown to an API as it is: for programs that cannot fetch a token first.
 * - On the wire: `Authorization: Basic …` (RFC 7617), client id and secret each form-encoded (RFC 6749, section 2.3.1). With
 *   a personal access token as the secret it is that token's kind (personal-access-token.ts).
 * - Stored: HMAC-SHA-256 under a pepper, several for a client (clients/client-secret.ts).
 * - Ended by: its revocation, its expiry, its client being disabled, the last of its scopes being taken away.
 *
 * It opens what a token by client credentials would, so only clients with that grant type may show theirs, and none that
 * binds its tokens to a key: that would be a way around the key. It may do what the client may now, its whole ceiling.
 */
import { type Client, type ClientSecret, findClient } from '../clients/client.ts'
import type { ClientDirectory } from '../clients/client-directory.ts'
import { matchClientSecret } from '../clients/client-secret.ts'
import type { ClientUse } from '../clients/client-use.ts'
import { type RehashDeps, rehashClientSecret } from '../clients/rehash-client-secret.ts'
import { clientScopes } from '../resources/permission.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import { hashSecret } from '../secrets/hash.ts'
import { looksMinted } from '../secrets/minted-format.ts'
import { findBasic, formDecoded } from './basic.ts'
import { type Checks, createChecks } from './checks.ts'
import type { Warning } from './credential-headers.ts'
import type { CredentialKind, Identity, Wanted } from './kind.ts'
import type { Refusals } from './refusals.ts'

export interface ClientSecretDeps extends RehashDeps {
  readonly clients: ClientDirectory
  readonly clientUse: Pick<ClientUse, 'note'>
  readonly resources: ResourceDirectory
  /** Our own API, where a client may do more than its ceiling lists. */
  readonly ownResource: string
  readonly refusals: Refusals
}

const NAME = 'client-secret'
const GRANT_TYPE = 'client_credentials'
const EXPIRES_SOON_MS = 7 * 86_400_000

interface Shown {
  readonly clientId: string
  readonly secret: string
}

interface Known {
  readonly client: Client
  /** Undefined: it is none of the client's. */
  readonly matched: ClientSecret | undefined
}

export function clientSecret(deps: ClientSecretDeps): CredentialKind {
  const { db, keyring, clients, clientUse, resources, ownResource, refusals } = deps

  /**
   * Who is refused has cost one look into the database, whatever is wrong: memory knows only clients that exist, and what
   * it knows must not be told by the time that an answer takes.
   */
  async function find({ clientId, secret }: Shown): Promise<Known | undefined> {
    const matching = (client: Client | undefined): Known | undefined =>
      client && { client, matched: matchClientSecret(keyring, client, secret, new Date()) }
    const known = matching(await clients.find(clientId))
    if (!known) hashSecret(keyring, secret) // as much work as comparing
    if (!known || (known.matched && mistakeOf(known.client) === undefined)) return known
    return matching(await findClient(db, clientId))
  }

  async function accessOf(client: Client): Promise<ReadonlyMap<string, readonly string[]>> {
    const access = new Map<string, readonly string[]>()
    for (const identifier of new Set([...client.ceiling.keys(), ownResource])) {
      const resource = await resources.find(identifier)
      const scopes = resource ? [...clientScopes(client, resource)] : []
      if (scopes.length > 0) access.set(identifier, scopes)
    }
    return access
  }

  function checkUse(access: Identity['access'], wanted: Wanted, checks: Checks): Reach {
    const { resource, scopes: needed = [] } = wanted
    const [[usual, usually] = [null, []]] = access ?? []
    const there = resource === undefined ? usually : access?.get(resource)
    checks.need(
      'audience',
      there !== undefined,
      () => (there ? `its client has scopes of ${resource ?? usual}` : 'its client has no scope there'),
      refusals.wrongAudience,
    )
    const scopes = there ?? []
    checks.need(
      'scopes',
      needed.every(scope => scopes.includes(scope)),
      () => `now it has: ${scopes.join(' ') || 'none'}`,
      () => refusals.insufficientScope(needed),
    )
    return { resource: resource ?? usual, scopes, ...(resource === undefined && access && { access }) }
  }

  async function verify(shown: Shown, wanted: Wanted): Promise<Identity> {
    const checks = createChecks(wanted.explain)
    const need = (name: string, passed: boolean, reason: string, detail: () => string) =>
      checks.need(name, passed, detail, () => refusals.invalidCredential(reason))
    need('shape', true, '', () => 'it is a client id and a secret')
    const known = await find(shown)
    need('known', known !== undefined, 'unknown client', () =>
      known ? `its client is ${known.client.clientId}` : 'there is no client of this name',
    )
    const matched = known?.matched
    if (known)
      need('secret', matched !== undefined, 'wrong secret', () =>
        matched ? 'it is right' : 'it is wrong, revoked or expired',
      )
    if (!known || !matched) return nothingLeft(checks)
    const { client } = known
    const access = await accessOf(client)
    const mistake = mistakeOf(client) ?? (access.size === 0 ? 'it has no scope now' : undefined)
    need('owner', mistake === undefined, `its client: ${mistake}`, () => mistake ?? 'it is active')
    const reach = checkUse(access, wanted, checks)
    checks.settle()
    if (!wanted.explain) {
      clientUse.note(client.clientId)
      await rehashClientSecret(deps, client, shown.secret)
    }
    return identityOf(client, matched, reach)
  }

  function nothingLeft(checks: Checks): never {
    checks.settle()
    throw refusals.invalidCredential('nothing is left of it')
  }

  return {
    name: NAME,
    place: 'explicit',
    challenge: refusals.basicChallenge,

    claim(request) {
      const sent = findBasic(request)
      if (sent === undefined) return undefined
      if (sent === 'malformed') throw refusals.invalidCredential('malformed')
      if (looksMinted(sent.secret) === 'pat') return undefined
      const clientId = formDecoded(sent.name)
      const secret = formDecoded(sent.secret)
      if (!clientId || !secret) throw refusals.invalidCredential('malformed')
      return wanted => verify({ clientId, secret }, wanted)
    },
  }
}

/** Why the client may not show its secret to an API; undefined: it may. */
function mistakeOf(client: Client): string | undefined {
  if (client.disabled) return 'it is disabled'
  if (!client.grantTypes.includes(GRANT_TYPE)) return `it does not have the grant type ${GRANT_TYPE}`
  if (!client.tokenEndpointAuthMethod.startsWith('client_secret_')) return 'it authenticates without a secret'
  const isBound = client.dpopBoundAccessTokens || client.tlsClientCertificateBoundAccessTokens
  return isBound ? 'it binds its tokens to a key' : undefined
}

interface Reach {
  readonly resource: string | null
  readonly scopes: readonly string[]
  readonly access?: ReadonlyMap<string, readonly string[]>
}

function identityOf(client: Client, { id, expiresAt }: ClientSecret, reach: Reach): Identity {
  const isEnding = expiresAt !== null && expiresAt.getTime() - Date.now() < EXPIRES_SOON_MS
  const warnings: Warning[] = isEnding ? [{ code: 'expires_soon', at: expiresAt }] : []
  return {
    kind: NAME,
    credentialId: id,
    subject: { type: 'client', id: client.clientId },
    clientId: client.clientId,
    ...(client.organizationId !== null && { organization: client.organizationId }),
    ...reach,
    ...(expiresAt && { expiresAt }),
    ...(warnings.length > 0 && { warnings }),
  }
}
