/** An identity on the wire (contract.md): what does not apply is left out, times are RFC 3339 in UTC. */
import type { Identity } from './kind.ts'

export function identityJson(identity: Identity): Record<string, unknown> {
  const { kind, credentialId, subject, clientId, organization, resource, scopes, env, acr, cnf } = identity
  return {
    kind,
    credential_id: credentialId,
    subject,
    client_id: clientId,
    organization,
    resource,
    scopes,
    env,
    issued_at: identity.issuedAt?.toISOString(),
    expires_at: identity.expiresAt?.toISOString(),
    acr,
    cnf,
  }
}
