/**
 * What nobody keeps a list of, as things that a filter ends: the tokens that a client got for itself, all at once up to
 * some moment, whatever their format; and one JWT access token by its id.
 */
import { sql } from 'kysely'
import type { Audit } from '../audit/audit.ts'
import { TOKEN_EXCHANGE } from '../clients/client-schema.ts'
import { type StatusReference, statusOfTokenId } from '../keys/status-reference.ts'
import { MAX_ACCESS_TOKEN_LIFETIME } from '../resources/resource-schema.ts'
import { by, type Revocable, thingColumns } from '../revocation/revocable.ts'
import type { Revocations } from '../revocation/revocation.ts'

export interface RevocableTokensDeps {
  readonly audit: Pick<Audit, 'recordAll'>
  readonly revocations: Pick<Revocations, 'revokeAll'>
}

/** No access token lives longer. */
const remembered = () => new Date(Date.now() + MAX_ACCESS_TOKEN_LIFETIME * 1000)

/** Counted by clients: how many tokens each has, nobody knows. */
export function revocableClientTokens({ audit, revocations }: RevocableTokensDeps): Revocable {
  return {
    kind: 'client-tokens',

    // A token of one grant, session or pepper is none of these.
    living: ({ credentialId }) =>
      credentialId === undefined
        ? sql`
            SELECT ${thingColumns({
              id: 'c.client_id',
              client_id: 'c.client_id',
              organization_id: 'c.organization_id',
              issued_at: 'c.created_at',
            })}
            FROM client c WHERE c.grant_types && ARRAY['client_credentials', ${TOKEN_EXCHANGE}::text]
          `
        : undefined,

    async end(tx, things, ending) {
      const { reason, issuedBefore } = ending
      const expiresAt = remembered()
      await revocations.revokeAll(
        tx,
        things.map(({ id }) => ({ kind: 'issuance', id, reason, expiresAt, issuedBefore })),
      )
      await audit.recordAll(
        tx,
        things.map(({ id }) => ({
          type: 'client_tokens_revoked',
          outcome: 'success',
          ...by(ending),
          subject: { type: 'client', id },
          clientId: id,
          detail: { reason, ...(issuedBefore && { issued_before: issuedBefore.toISOString() }) },
        })),
      )
      return things.length
    },
  }
}

/**
 * Only by its id (`jti`), and only when the filter names the kind: nobody knows whether there is such a token. Whose it is
 * its status tells, when a client got it for itself; one of a grant is an administrator's to end, or ends with the grant.
 */
export function revocableJwt({ audit, revocations }: RevocableTokensDeps): Revocable {
  return {
    kind: KIND,

    living({ credentialId = '', kinds }) {
      if (!kinds?.includes(KIND)) return undefined
      const status = statusOfTokenId(credentialId)
      return status && ofStatus(credentialId, status)
    },

    async end(tx, things, ending) {
      const { reason } = ending
      const expiresAt = remembered()
      await revocations.revokeAll(
        tx,
        things.map(({ id }) => ({ kind: 'token', id, reason, expiresAt })),
      )
      await audit.recordAll(
        tx,
        things.map(({ id, clientId }) => ({
          type: 'token_revoked',
          outcome: 'success',
          ...by(ending),
          subject: { type: 'access-token', id },
          ...(clientId !== null && { clientId }),
          detail: { reason },
        })),
      )
      return things.length
    },
  }
}

const KIND = 'jwt-access-token'

const ofStatus = (id: string, { listId, idx }: StatusReference) => sql`
  SELECT ${thingColumns({ id: 'given.id', client_id: 'b.client_id', organization_id: 'c.organization_id' })}
  FROM (VALUES (${id}::text)) AS given (id)
    JOIN status_block b ON b.list_id = ${listId} AND b.first <= ${idx} AND ${idx} < b.first + b.size
    LEFT JOIN client c ON c.client_id = b.client_id
`
