/** Registers a client certificate, for the JSON API and the pages: one function, one set of refusals. */
import { sql } from 'kysely'
import type { Db } from '../db/connect.ts'
import { pemCertificates, readClientCertificate } from '../http/client-certificate.ts'
import { Problem, validationFailed } from '../http/problem.ts'
import { type CertificateFields, registeredCertificateOf } from './client-certificate-input.ts'
import type { ClientCredential } from './client-credential.ts'
import type { ClientCredentials, NewClientCredential } from './client-credential-life-cycle.ts'
import type { Actor } from './minted-actor.ts'
import {
  handleOfName,
  handleOfThumbprint,
  isPinned,
  type RegisteredCertificate,
} from './registered-certificate.ts'

export interface RegisterCertificateDeps {
  readonly db: Db
  readonly clientCredentials: Pick<ClientCredentials, 'create'>
}

/**
 * Whether the actor may change this client at all is the caller's to check.
 * @throws Problem 403 `access_denied`, 400 `validation_failed`, 409 `conflict` for one that is registered
 */
export async function registerCertificate(
  { db, clientCredentials }: RegisterCertificateDeps,
  actor: Actor,
  fields: Omit<NewClientCredential, 'kind'>,
  certificate: CertificateFields,
): Promise<ClientCredential> {
  const { registered, mistakes } = registeredCertificateOf(certificate, new Date())
  try {
    return await clientCredentials.create(actor, { ...fields, kind: 'client-certificate' }, async () => {
      if (!registered) throw validationFailed([])
      const handles = [
        isPinned(registered) ? handleOfThumbprint(registered.thumbprint) : handleOfName(registered.san),
      ]
      await refuseRegistered(db, handles, registered)
      return { material: registered, handles, detail: auditOf(registered) }
    })
  } catch (error) {
    // All that is wrong is said at once.
    if (registered || !(error instanceof Problem) || !error.errors) throw error
    throw validationFailed([...mistakes, ...error.errors])
  }
}

const auditOf = (registered: RegisteredCertificate) =>
  isPinned(registered)
    ? { 'x5t#S256': registered.thumbprint }
    : { san: registered.san, authorities: authoritiesOf(registered.ca) }

/** By their thumbprints. */
const authoritiesOf = (pem: string) =>
  (pemCertificates(pem) ?? []).map(der => readClientCertificate(der)?.thumbprint)

/** Two that race may both come in: then the first one counts (client-certificate.ts). */
async function refuseRegistered(db: Db, handles: string[], registered: RegisteredCertificate): Promise<void> {
  const known = await db
    .selectFrom('client_credential')
    .select('id')
    .where('kind', '=', 'client-certificate')
    .where('revoked_at', 'is', null)
    .where(sql<boolean>`handles && ${handles}::text[] AND material = ${JSON.stringify(registered)}::jsonb`)
    .where(sql<boolean>`(expires_at IS NULL OR expires_at > clock_timestamp())`)
    .executeTakeFirst()
  if (known)
    throw new Problem(409, 'conflict', 'This certificate is registered already, here or for another client.')
}
