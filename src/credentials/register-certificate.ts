/** Registers a client certificate, for the JSON API and the pages: one function, one set of refusals. */
import { sql } from 'kysely'
import type { Db } from '../db/connect.ts'
import { type ClientCertificate, isInTime } from '../http/client-certificate.ts'
import { Problem, validationFailed } from '../http/problem.ts'
import { authoritiesOf, couldMeet, isOne, storedHandles } from './certificate-conflicts.ts'
import { type CertificateFields, registeredCertificateOf } from './client-certificate-input.ts'
import type { ClientCredential } from './client-credential.ts'
import type { ClientCredentials, NewClientCredential } from './client-credential-life-cycle.ts'
import type { Actor } from './minted-actor.ts'
import { isPinned, type RegisteredCertificate, registeredCertificate } from './registered-certificate.ts'

export interface RegisterCertificateDeps {
  readonly db: Db
  readonly clientCredentials: Pick<ClientCredentials, 'create'>
}

/** Registrations by one name of one organization's clients: each is looked at whenever a certificate with that name comes. */
const MOST_OF_A_NAME = 10

/**
 * Whether the actor may change this client at all is the caller's to check.
 * @param shown the certificate that the actor shows on its own connection. Whoever has the key goes before all who have not
 * shown it: a certificate is public, and else the holder could be kept out by who was quicker
 * @throws Problem 403 `access_denied`, 400 `validation_failed`, 409 `conflict` for one that is registered
 */
export async function registerCertificate(
  { db, clientCredentials }: RegisterCertificateDeps,
  actor: Actor,
  fields: Omit<NewClientCredential, 'kind'>,
  certificate: CertificateFields,
  shown?: ClientCertificate,
): Promise<ClientCredential> {
  const now = new Date()
  const { registered: read, mistakes } = registeredCertificateOf(certificate, now)
  const isProved = read && shown && isInTime(shown, now) && isOne(shown, read, now)
  const registered: RegisteredCertificate | undefined = read && { ...read, ...(isProved && { proved: true }) }
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

const auditOf = (registered: RegisteredCertificate) => ({
  ...(isPinned(registered)
    ? { 'x5t#S256': registered.thumbprint }
    : { san: registered.san, authorities: authoritiesOf(registered) }),
  proved: registered.proved === true,
})

/** Two that race may both come in: then the first one counts (client-certificate.ts). @throws Problem 409 */
async function refuseRegistered(
  db: Db,
  clientId: string,
  handles: string[],
  registered: RegisteredCertificate,
): Promise<void> {
  const known = await db
    .selectFrom('client_credential')
    .select(['client_id', 'material'])
    .select(sql<Date>`clock_timestamp()`.as('now'))
    .where('kind', '=', 'client-certificate')
    .where('revoked_at', 'is', null)
    .where(sql<boolean>`handles && ${handles}::text[]`)
    .where(sql<boolean>`coalesce(expires_at > clock_timestamp(), true)`)
    .orderBy(sql`client_id = ${clientId}`, 'desc')
    .orderBy('created_at')
    .limit(100)
    .execute()
  const { proved, ...rest } = registered
  const text = JSON.stringify(rest)
  for (const { client_id, material, now } of known) {
    const { proved: wasProved, ...other } = registeredCertificate.parse(material)
    const isNew = proved && !wasProved
    const isSame = JSON.stringify(other) === text
    // A client may have several that overlap: that is how an authority or a certificate is replaced.
    const meets = client_id !== clientId && !proved && couldMeet(registered, other, now)
    if (meets || (isSame && client_id === clientId && !isNew))
      throw new Problem(
        409,
        'conflict',
        meets
          ? 'This certificate is registered for another client. Show it on the connection that registers it: then it counts.'
          : 'This certificate is registered already.',
      )
  }
  if (!isPinned(registered)) await refuseMany(db, clientId, handles)
}

/** @throws Problem 409 */
async function refuseMany(db: Db, clientId: string, handles: readonly string[]): Promise<void> {
  const { many } = await db
    .selectFrom('client_credential')
    .leftJoin('client', 'client.client_id', 'client_credential.client_id')
    .select(sql<number>`count(*)::integer`.as('many'))
    .where('client_credential.kind', '=', 'client-certificate')
    .where('client_credential.revoked_at', 'is', null)
    .where(sql<boolean>`client_credential.handles && ${handles}::text[] AND material ? 'san'`)
    .where(sql<boolean>`coalesce(client_credential.expires_at > clock_timestamp(), true)`)
    .where(sql<boolean>`(
      client_credential.client_id = ${clientId}
      OR client.organization_id = (SELECT organization_id FROM client WHERE client_id = ${clientId})
    )`)
    .executeTakeFirstOrThrow()
  if (many >= MOST_OF_A_NAME)
    throw new Problem(
      409,
      'conflict',
      `This name is registered ${many} times in this organization: revoke one that is not needed.`,
    )
}
