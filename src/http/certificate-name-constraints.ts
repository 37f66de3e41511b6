/**
 * For which names an authority may issue (RFC 5280, section 4.2.1.10). Every authority on the way counts by itself, so one below
 * can take away and never give. What cannot be judged is refused: a name in a form that constraints of its type do not
 * know, a constraint of an unknown type.
 */
import { BlockList, isIP } from 'node:net'
import type { GeneralName, GeneralSubtree, NameConstraints } from '@peculiar/asn1-x509'
import { type DistinguishedName, nameOf } from './certificate-parts.ts'

export interface NamedCertificate {
  readonly subject: DistinguishedName
  readonly alternativeNames: readonly GeneralName[]
}

type Name =
  | { readonly type: 'dns' | 'email' | 'uri' | 'ip'; readonly value: string }
  | { readonly type: 'directory'; readonly value: DistinguishedName }
  | { readonly type: 'other' }

const EMAIL_ADDRESS = '1.2.840.113549.1.9.1'

/** @returns what is wrong with the names of a certificate below the authority */
export function constraintMistake(
  { permittedSubtrees, excludedSubtrees }: NameConstraints,
  certificate: NamedCertificate,
): string | undefined {
  const permitted = (permittedSubtrees ?? []).map(baseOf)
  const excluded = (excludedSubtrees ?? []).map(baseOf)
  const all = [...permitted, ...excluded]
  if (all.some(base => base === undefined)) return 'has name constraints of a type that is not known'
  const names = namesOf(certificate)
  if (names.length * all.length > MOST_COMPARED) return 'has too many name constraints for so many names'
  for (const name of names.filter(({ type }) => all.some(base => base?.type === type))) {
    const isWithin = (base: Name | undefined) => base !== undefined && isBelow(name, base)
    const ofType = permitted.filter(base => base?.type === name.type)
    if (!isJudgeable(name) || (ofType.length > 0 && !ofType.some(isWithin)) || excluded.some(isWithin))
      return 'may not issue for this name (name constraints)'
  }
  return undefined
}

/** Of names with constraints. */
const MOST_COMPARED = 10_000

/** Undefined for what is not known. */
function baseOf({ base, minimum, maximum }: GeneralSubtree): Name | undefined {
  const name = typed(base)
  return name.type === 'other' || minimum !== 0 || maximum !== undefined ? undefined : name
}

function typed(name: GeneralName): Name {
  const { dNSName, rfc822Name, uniformResourceIdentifier, iPAddress, directoryName } = name
  if (dNSName !== undefined) return { type: 'dns', value: lower(dNSName) }
  if (rfc822Name !== undefined) return { type: 'email', value: withLowerHost(rfc822Name) }
  if (uniformResourceIdentifier !== undefined) return { type: 'uri', value: uniformResourceIdentifier }
  if (iPAddress !== undefined) return { type: 'ip', value: iPAddress }
  return directoryName === undefined ? { type: 'other' } : { type: 'directory', value: nameOf(directoryName) }
}

/** E-mail addresses stand in subjects too, in old certificates. */
function namesOf({ subject, alternativeNames }: NamedCertificate): Name[] {
  const addresses = subject.flat().filter(({ type }) => type === EMAIL_ADDRESS)
  return [
    ...(subject.length > 0 ? [{ type: 'directory', value: subject } as const] : []),
    ...addresses.map(({ value }) => ({ type: 'email', value: withLowerHost(value) }) as const),
    ...alternativeNames.map(typed),
  ]
}

/** What has no `@` is a host. Not by a pattern that looks for the end: of a long text that takes for ever. */
function withLowerHost(email: string): string {
  const host = email.lastIndexOf('@') + 1
  return email.slice(0, host) + lower(email.slice(host))
}

const lower = (text: string) => text.replace(/[A-Z]/g, letter => letter.toLowerCase())

const URI_HOST = /^[a-z][a-z0-9+.-]*:\/\/(?:[^@/?#]*@)?([^:/?#@]+)(?::\d*)?(?:[/?#]|$)/i

const hostOf = (uri: string) => lower(URI_HOST.exec(uri)?.[1] ?? '')

function isJudgeable(name: Name): boolean {
  switch (name.type) {
    case 'dns':
      return /^[!-~]+$/.test(name.value)
    case 'email':
      return /^[!-?A-~]+@[!-?A-~]+$/.test(name.value)
    case 'uri':
      return /^[!-~]+$/.test(name.value) && hostOf(name.value) !== '' && isIP(hostOf(name.value)) === 0
    case 'ip':
      return isIP(name.value) !== 0
    default:
      return name.type === 'directory'
  }
}

function isBelow(name: Name, base: Name): boolean {
  if (name.type === 'directory') return base.type === 'directory' && isSubtree(name.value, base.value)
  if (name.type === 'other' || base.type === 'other' || base.type === 'directory' || base.type !== name.type)
    return false
  const { value } = base
  switch (name.type) {
    case 'dns':
      return (
        value === '' ||
        name.value === value ||
        name.value.endsWith(value.startsWith('.') ? value : `.${value}`)
      )
    case 'email':
      return value.includes('@') ? name.value === value : isHost(name.value.replace(/^.*@/, ''), value)
    case 'uri':
      return isHost(hostOf(name.value), lower(value))
    case 'ip':
      return isInRange(name.value, value)
  }
}

/** A constraint with a dot in front is for all hosts below, without one for this host. */
function isHost(host: string, constraint: string): boolean {
  return constraint === '' || (constraint.startsWith('.') ? host.endsWith(constraint) : host === constraint)
}

function isInRange(address: string, range: string): boolean {
  const [network = '', bits = ''] = range.split('/')
  const family = isIP(address)
  if (isIP(network) !== family || !/^\d+$/.test(bits)) return false
  const list = new BlockList()
  const type = family === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(network, Number(bits), type)
  return list.check(address, type)
}

/** Values are compared as people read them (section 7.1). */
function isSubtree(name: DistinguishedName, base: DistinguishedName): boolean {
  const read = (text: string) => text.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ')
  const key = (part: DistinguishedName[number] = []) =>
    JSON.stringify(part.map(({ type, value }) => JSON.stringify([type, read(value)])).sort())
  return base.length <= name.length && base.every((part, at) => key(part) === key(name[at]))
}
