/** What a client certificate is registered from: itself, or an authority and a name. Messages complete the path's sentence. */
import { isIP } from 'node:net'
import { z } from 'zod'
import type { SubjectAltName } from '../http/certificate-names.ts'
import { normalAddress } from '../http/client-address.ts'
import type { FieldError } from '../http/problem.ts'
import { keyMistake, pemOf, readPastedAuthorities, readPastedCertificate } from './pasted-certificate.ts'
import { NAME_TYPES, type RegisteredCertificate } from './registered-certificate.ts'

/** The keys of the JSON, beside those that every client credential has. */
export const certificateKeys = {
  certificate: z.string().optional().describe('PEM: this one and no other'),
  ca: z.string().optional().describe('PEM: any that this authority issued for the name in `san`'),
  san: z
    .strictObject({
      dns: z.string().optional(),
      uri: z.string().optional(),
      email: z.string().optional(),
      ip: z.string().optional(),
    })
    .optional()
    .describe('One of them: a name among the subject alternative names of the certificate'),
}

const input = z.strictObject(certificateKeys)

export type CertificateFields = z.output<typeof input>

/** @returns undefined when there are mistakes */
export function registeredCertificateOf(
  fields: CertificateFields,
  now: Date,
): { readonly registered: RegisteredCertificate | undefined; readonly mistakes: readonly FieldError[] } {
  const mistakes: FieldError[] = []
  const registered =
    fields.certificate === undefined ? byName(fields, mistakes) : pinned(fields, mistakes, now)
  return { registered: mistakes.length > 0 ? undefined : registered, mistakes }
}

function pinned(
  { certificate: text = '', ca, san }: CertificateFields,
  mistakes: FieldError[],
  now: Date,
): RegisteredCertificate | undefined {
  for (const [path, value] of Object.entries({ ca, san }))
    if (value !== undefined)
      mistakes.push({
        path,
        message: 'cannot be given together with a certificate: either that, or an authority and a name',
      })
  const read = readPastedCertificate(text)
  if ('mistake' in read) {
    mistakes.push({ path: 'certificate', message: read.mistake })
    return undefined
  }
  if (read.notAfter < now)
    mistakes.push({ path: 'certificate', message: `has expired at ${read.notAfter.toISOString()}` })
  const unfit = keyMistake(read.der)
  if (unfit !== undefined) mistakes.push({ path: 'certificate', message: unfit })
  return { certificate: pemOf(read.der), thumbprint: read.thumbprint }
}

function byName(
  { ca: text, san }: CertificateFields,
  mistakes: FieldError[],
): RegisteredCertificate | undefined {
  if (text === undefined && san === undefined) {
    mistakes.push({
      path: 'certificate',
      message: 'is missing: give one, or an authority (ca) and a name (san)',
    })
    return undefined
  }
  const ca =
    text === undefined
      ? { mistake: 'is missing: it says who issues for that name' }
      : readPastedAuthorities(text)
  if (typeof ca !== 'string') mistakes.push({ path: 'ca', message: ca.mistake })
  const names = NAME_TYPES.flatMap(type => (san?.[type] === undefined ? [] : [{ type, value: san[type] }]))
  const [given, ...others] = names
  if (!given || others.length > 0) {
    const missing = 'is missing: whoever the authority issues for would be let in'
    mistakes.push({ path: 'san', message: san ? `must have one of ${NAME_TYPES.join(', ')}` : missing })
    return undefined
  }
  const { type } = given
  const name = normalName(given)
  if ('mistake' in name) mistakes.push({ path: `san.${type}`, message: name.mistake })
  if (typeof ca !== 'string' || 'mistake' in name) return undefined
  return { ca, san: name }
}

/** As it is compared. What no certificate can have would be refused at every request. */
export function normalName({ type, value }: SubjectAltName): SubjectAltName | { readonly mistake: string } {
  switch (type) {
    case 'dns': {
      const isName =
        /^(?:\*\.)?(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i.test(value) && value.length <= 253
      return isName
        ? { type, value: value.toLowerCase() }
        : { mistake: 'must be a host name, such as billing.example.com' }
    }
    case 'uri':
      return /^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(value) && value.length <= 2000
        ? { type, value }
        : { mistake: 'must be a URI, such as spiffe://example.com/billing' }
    case 'email': {
      const [, local = '', host = ''] = /^([!-?A-~]{1,64})@([a-z0-9.-]{1,253})$/i.exec(value) ?? []
      return host === ''
        ? { mistake: 'must be an e-mail address' }
        : { type, value: `${local}@${host.toLowerCase()}` }
    }
    case 'ip': {
      const address = isIP(value) === 0 || value.includes('%') ? undefined : normalAddress(value)
      return address === undefined ? { mistake: 'must be an IP address' } : { type: 'ip', value: address }
    }
  }
}
