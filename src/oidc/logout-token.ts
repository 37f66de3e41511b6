/** Logout tokens (OpenID Connect Back-Channel Logout 1.0, section 2.4). */
import { importJWK, SignJWT } from 'jose'
import type { Client } from '../clients/client.ts'
import { listSigningKeys } from '../keys/signing-keys.ts'
import { randomToken } from '../secrets/token.ts'
import type { OidcDeps } from './deps.ts'
import { sessionIdFor } from './session-id.ts'

/** Seconds: made for one request that is sent at once. */
const LIFETIME = 120

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

export interface EndedSession {
  readonly accountId: string
  readonly sessionUid: string
}

/** Signed as the client's ID tokens are. */
export async function createLogoutToken(
  { config, db, keyring }: Pick<OidcDeps, 'config' | 'db' | 'keyring'>,
  client: Client,
  { accountId, sessionUid }: EndedSession,
): Promise<string> {
  const { clientId, idTokenSignedResponseAlg: alg } = client
  // The current one of each algorithm comes first.
  const key = (await listSigningKeys(db, keyring)).find(one => one.alg === alg)
  if (!key) throw new Error(`There is no signing key for ${alg}.`)
  const issuedAt = Math.floor(Date.now() / 1000)
  return new SignJWT({ sid: sessionIdFor(sessionUid, clientId), events: { [EVENT]: {} } })
    .setProtectedHeader({ alg, typ: 'logout+jwt', kid: key.kid })
    .setIssuer(config.issuer)
    .setSubject(accountId)
    .setAudience(clientId)
    .setJti(randomToken(16))
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + LIFETIME)
    .sign(await importJWK(key.privateJwk, alg))
}
