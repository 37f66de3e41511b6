/**
 * Client certificates: what a service shows on its TLS connection, registered for its client.
 * - On the wire: TLS, here or at a trusted proxy that hands the certificate on (http/certificate-header.ts). Alone it is the
 *   credential; beside an explicit one it is evidence for that one's binding (authenticate.ts).
 * - Stored: the certificate (public), or an authority's and a name that the certificate has (registered-certificate.ts).
 * - Ended by: its revocation, its expiry and the certificate's own, quarantine, its client being disabled, the last of its
 *   scopes being taken away.
 *
 * Several registrations may fit one certificate, a client's own or one that somebody else made to get in its way: of those
 * that are alive the first one counts whose maker has shown to have the key, else the first. So a later one changes nothing
 * for whoever was there before, and an earlier one nothing for whoever has the key.
 */
import { isIssuedBy } from '../http/certificate-chain.ts'
import { namesOf } from '../http/certificate-names.ts'
import type { ClientCertificate } from '../http/client-certificate.ts'
import { type Checks, createChecks } from './checks.ts'
import type { FoundClientCredential } from './client-credential-directory.ts'
import type { CredentialKind, Wanted } from './kind.ts'
import { from } from './presented-key.ts'
import type { Refusals } from './refusals.ts'
import { handlesOf, isPinned, isSameName, registeredCertificate } from './registered-certificate.ts'
import type { ClientCredentialKindDeps } from './verify-client-credential.ts'

export interface ClientCertificateDeps extends ClientCredentialKindDeps {
  readonly refusals: Pick<Refusals, 'invalidCredential'>
}

const NAME = 'client-certificate'

export function clientCertificate(deps: ClientCertificateDeps): CredentialKind {
  const { clientCredentials, verifyClientCredential, refusals } = deps

  /** The first of its registrations that is alive, else the first (they come in order). As text: why there is none. */
  async function findRegistered(
    certificate: ClientCertificate,
    { clientId, resource }: Wanted,
  ): Promise<FoundClientCredential | string> {
    const names = namesOf(certificate)
    const fitting: FoundClientCredential[] = []
    let reason = 'no client has registered it'
    for (const found of await clientCredentials.findByHandles(
      NAME,
      handlesOf(certificate.thumbprint, names),
    )) {
      const registered = registeredCertificate.parse(found.record.row.material)
      if (isPinned(registered)) {
        if (registered.thumbprint === certificate.thumbprint) fitting.push(within(found, certificate))
        continue
      }
      if (!names.some(name => isSameName(name, registered.san))) continue
      const issued = isIssuedBy(certificate, [registered.ca], found.now)
      if (!issued.ok) reason = issued.reason
      else fitting.push(within(found, certificate))
    }
    if (clientId === undefined) return fitting.find(isAlive) ?? fitting[0] ?? reason
    // Beside another credential of the client it is one of the client's own, and which of them is the client's affair.
    const own = fitting.filter(({ record }) => record.row.client_id === clientId)
    if (own.length === 0 && fitting.length > 0) return 'it belongs to another client'
    const isThere = ({ record }: FoundClientCredential) =>
      resource === undefined || record.scopes.has(resource)
    return own.find(found => isAlive(found) && isThere(found)) ?? own[0] ?? reason
  }

  async function verify(certificate: ClientCertificate, wanted: Wanted) {
    const checks: Checks = createChecks(wanted.explain)
    const found = await findRegistered(certificate, wanted)
    const isKnown = typeof found !== 'string'
    checks.need(
      'known',
      isKnown,
      () => (isKnown ? `its id is ${found.record.row.id}` : found),
      () => refusals.invalidCredential(isKnown ? 'unknown' : `unknown: ${found}`),
    )
    if (!isKnown) {
      checks.settle()
      throw refusals.invalidCredential('unknown')
    }
    return verifyClientCredential(found, wanted, {}, checks)
  }

  return {
    name: NAME,
    place: 'certificate',

    claim(request) {
      const { certificate } = request
      return certificate && (wanted => verify(certificate, from(request, wanted)))
    },
  }
}

/** It lives within the certificate's own dates. */
function within(
  found: FoundClientCredential,
  { notBefore, notAfter }: ClientCertificate,
): FoundClientCredential {
  const { row } = found.record
  const not_before = row.not_before && row.not_before > notBefore ? row.not_before : notBefore
  const expires_at = row.expires_at && row.expires_at < notAfter ? row.expires_at : notAfter
  return { ...found, record: { ...found.record, row: { ...row, not_before, expires_at } } }
}

function isAlive({ record: { row }, owner, now }: FoundClientCredential): boolean {
  const begun = row.not_before === null || row.not_before <= now
  const isOver = row.expires_at !== null && row.expires_at <= now
  const isStopped = row.revoked_at !== null || row.quarantined_at !== null
  return begun && !isOver && !isStopped && owner?.type === 'client' && !owner.client.disabled
}
