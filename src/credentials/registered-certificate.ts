/**
 * What is registered of a certificate: itself (pinned), or an authority and a name, so that whoever renews it at that
 * authority need not come here. It is what a client credential of the kind client-certificate has as its material.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { SubjectAltName } from '../http/certificate-names.ts'

export type RegisteredCertificate = z.output<typeof registeredCertificate>

export const NAME_TYPES = ['dns', 'uri', 'email', 'ip'] as const satisfies SubjectAltName['type'][]

/** Whoever registered it showed such a certificate, and so has its key. Left out where nobody did. */
const proved = z.literal(true).optional()

/** As stored. Texts are PEM. */
export const registeredCertificate = z.union([
  z.strictObject({ certificate: z.string(), thumbprint: z.string(), proved }),
  z.strictObject({
    ca: z.string(),
    san: z.strictObject({ type: z.enum(NAME_TYPES), value: z.string() }),
    proved,
  }),
])

export type PinnedCertificate = Extract<RegisteredCertificate, { thumbprint: string }>
export type NamedCertificate = Exclude<RegisteredCertificate, PinnedCertificate>

export const isPinned = (registered: RegisteredCertificate): registered is PinnedCertificate =>
  'thumbprint' in registered

/** A certificate with more is known by the first of them. */
const MOST_NAMES = 50

/** What it is found by: the thumbprint and the names of the certificate that a request shows. Public, all of it. */
export function handlesOf(thumbprint: string, names: readonly SubjectAltName[]): string[] {
  return [handleOfThumbprint(thumbprint), ...names.slice(0, MOST_NAMES).map(handleOfName)]
}

export const handleOfThumbprint = (thumbprint: string) => `x5t#S256 ${thumbprint}`

/** A name may be long: its digest. */
export const handleOfName = ({ type, value }: SubjectAltName) =>
  `${type} ${createHash('sha256').update(value).digest('base64url').slice(0, 22)}`

export const isSameName = (one: SubjectAltName, other: SubjectAltName): boolean =>
  one.type === other.type && one.value === other.value
