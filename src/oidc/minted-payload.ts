/**
 * API keys and personal tokens in the library's words, for /introspect and /revoke: a token of client credentials that is
 * in no table. Client authentication and the answer stay the library's.
 */
import type { AdapterPayload } from 'oidc-provider'
import type { Introspected } from '../credentials/minted-introspection.ts'
import { epoch } from './sealed-document.ts'

/** @param token stands for itself: the library leaves out a `jti` that is what was asked about */
export function mintedPayload(token: string, { identity, access }: Introspected): AdapterPayload {
  const { kind, credentialId, subject, clientId, env, issuedAt, expiresAt, cnf } = identity
  const resources = [...access.keys()]
  const [only] = resources
  const scopes = new Set([...access.values()].flat())
  return {
    jti: token,
    kind: 'ClientCredentials',
    aud: resources.length === 1 ? only : resources,
    scope: [...scopes].join(' '),
    // A personal token acts for its account, and no client comes into it.
    ...(clientId !== undefined && { clientId }),
    ...(issuedAt && { iat: epoch(issuedAt) }),
    ...(expiresAt && { exp: epoch(expiresAt) }),
    ...(cnf?.jkt !== undefined && { jkt: cnf.jkt }),
    ...(cnf?.['x5t#S256'] !== undefined && { 'x5t#S256': cnf['x5t#S256'] }),
    extra: { sub: subject.id, credential_kind: kind, credential_id: credentialId, env },
  }
}

/** One that is only to be ended. */
export function heldPayload(token: string, credentialId: string): AdapterPayload {
  return { jti: token, kind: 'ClientCredentials', extra: { credential_id: credentialId } }
}

/** Whether a token that the library has found is one of these: what the client may see of it is decided then. */
export function isMinted({ extra }: { readonly extra?: Record<string, unknown> | undefined }): boolean {
  return extra?.credential_id !== undefined
}
