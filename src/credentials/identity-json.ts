/** An identity on the wire (docs/api.md): what does not apply is left out, times are RFC 3339 in UTC. */
import { z } from 'zod'
import type { Identity } from './kind.ts'

export const identityAnswer = z
  .object({
    kind: z.string(),
    credential_id: z.string(),
    subject: z.object({ type: z.enum(['account', 'client']), id: z.string() }),
    client_id: z.string().optional(),
    act: z
      .looseObject({ sub: z.string() })
      .optional()
      .describe('RFC 8693: of a token that was exchanged, the client that acts, and in it who acted before.'),
    organization: z.string().optional(),
    resource: z.string().nullable(),
    scopes: z.array(z.string()),
    env: z.string().optional(),
    issued_at: z.string().optional(),
    expires_at: z.string().optional(),
    acr: z.string().optional(),
    cnf: z.looseObject({}).optional(),
    content_digest: z
      .string()
      .optional()
      .describe(
        'RFC 9530: of the body that was signed, when it was not seen here. Compare it with the body.',
      ),
  })
  .describe('Who it is, and what it may do now.')

export type IdentityJson = z.input<typeof identityAnswer>

export function identityJson(identity: Identity): IdentityJson {
  const { kind, credentialId, subject, clientId, act, organization, resource, scopes, env, acr, cnf } =
    identity
  return {
    kind,
    credential_id: credentialId,
    subject,
    client_id: clientId,
    act: act && { ...act },
    organization,
    resource,
    scopes: [...scopes],
    env,
    issued_at: identity.issuedAt?.toISOString(),
    expires_at: identity.expiresAt?.toISOString(),
    acr,
    cnf: cnf && { ...cnf },
    content_digest: identity.contentDigest,
  }
}
