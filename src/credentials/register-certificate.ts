/** Registers a client certificate, for the JSON API and the pages: one function, one set of refusals. */
import { sql } from 'kysely'
import type { Db } from '../db/connect.ts'
import { Problem, validationFailed } from '../http/problem.ts'
import { authoritiesOf, couldMeet, storedHandles } from './certificate-conflicts.ts'
import { type CertificateFields, registeredCertificateOf } from './client-certificate-input.ts'
import type { ClientCredential } from './client-credential.ts'
import type { ClientCredentials, NewClientCredential } from './client-credential-life-cycle.ts'
import type { Actor } from './minted-actor.ts'
import { isPinned, type RegisteredCertificate, registeredCertificate } from './registered-certificate.ts'

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
      const handles = storedHandles(registered)
      await refuseRegistered(db, fields.owner.id, handles, registered)
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
    : { san: registered.san, authorities: authoritiesOf(registered) }

/** Two that race may both come in: then the first one counts (client-certificate.ts). @throws Problem 409 */
async function refuseRegistered(
  db: Db,
  clientId: string,
  handles: string[],
  registered: RegisteredCertificate,
): Promise<void> {
  const known = await db
    .selectFrom('client_credential')
    .select(['client_id', 'material', sql<Date>`clock_timestamp()`.as('now')])
    .where('kind', '=', 'client-certificate')
    .where('revoked_at', 'is', null)
    .where(sql<boolean>`handles && ${handles}::text[]`)
    .where(sql<boolean>`(expires_at IS NULL OR expires_at > clock_timestamp())`)
    .orderBy('created_at')
    .limit(100)
    .execute()
  const text = JSON.stringify(registered)
  for (const { client_id, material, now } of known) {
    const other = registeredCertificate.parse(material)
    const isSame = JSON.stringify(other) === text
    // A client may have several that overlap: that is how an authority or a certificate is replaced.
    if (isSame || (client_id !== clientId && couldMeet(registered, other, now)))
      throw new Problem(
        409,
        'conflict',
        'This certificate is registered already, here or for another client.',
      )
  }
}
