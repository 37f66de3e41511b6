/**
 * HTTP message signatures (RFC 9421): reading one from a request, and the signature base that it is made over. Nothing here
 * has a clock or knows a key: which signatures are taken is the strict profile's to say (signature-profile.ts).
 */
import { serializeInnerList } from 'structured-headers'
import type { RequestView } from '../http/request-view.ts'
import {
  type BareItem,
  bytesOf,
  type InnerList,
  isInnerList,
  readDictionary,
} from '../http/structured-field.ts'

/** One signature of a request. */
export interface MessageSignature {
  /** Names of the covered components, in the order of the signer. */
  readonly components: readonly string[]
  readonly parameters: ReadonlyMap<string, BareItem>
  /** `@signature-params`: components and parameters as they stand in the signature base. */
  readonly input: string
  readonly signature: Buffer
}

/** What of a request can be signed. */
export type SignedMessage = Pick<RequestView, 'method' | 'url' | 'all'>

export interface Mistaken {
  /** For the audit and for an explanation. */
  readonly mistake: string
}

const MOST_COMPONENTS = 32

export const isMistaken = <T extends object>(read: T | Mistaken): read is Mistaken => 'mistake' in read

export const coversBody = ({ components }: Pick<MessageSignature, 'components'>): boolean =>
  components.includes('content-digest')

/**
 * The signature of a request, from `Signature-Input` and `Signature` (section 4). Exactly one: of several nobody could say
 * which one counts.
 */
export function readMessageSignature({ all }: Pick<RequestView, 'all'>): MessageSignature | Mistaken {
  const [label, input, ...more] = onlyMember(all('signature-input')) ?? []
  if (label === undefined || !input || more.length > 0 || !isInnerList(input))
    return { mistake: 'Signature-Input has to hold one signature, written by RFC 9651' }
  const [signedLabel, member] = onlyMember(all('signature')) ?? []
  const signature = bytesOf(member)
  if (signedLabel !== label || !signature)
    return { mistake: 'Signature has to hold one signature, with the label that Signature-Input has' }
  return describe(input, signature)
}

function onlyMember(fields: readonly string[]) {
  const [field, second] = fields
  if (field === undefined || second !== undefined) return undefined
  const [member, another] = readDictionary(field) ?? []
  return another ? undefined : member
}

function describe(input: InnerList, signature: Buffer): MessageSignature | Mistaken {
  const [items, parameters] = input
  if (items.length > MOST_COMPONENTS) return { mistake: 'it covers too many components' }
  const components: string[] = []
  for (const [name, itsParameters] of items) {
    if (typeof name !== 'string') return { mistake: 'every covered component has to be a string' }
    if (itsParameters.size > 0) return { mistake: `"${name}" has parameters: components are covered whole` }
    if (components.includes(name)) return { mistake: `"${name}" is covered twice` }
    components.push(name)
  }
  return { components, parameters, input: serializeInnerList(input), signature }
}

/**
 * What is signed (section 2.5): a line for each component, and the parameters last.
 * @returns why there is none: a component that is not there or cannot be signed
 */
export function signatureBase(
  message: SignedMessage,
  { components, input }: Pick<MessageSignature, 'components' | 'input'>,
): string | Mistaken {
  const lines: string[] = []
  for (const name of components) {
    const value = componentValue(message, name)
    if (typeof value !== 'string') return value
    lines.push(`"${name}": ${value}`)
  }
  return [...lines, `"@signature-params": ${input}`].join('\n')
}

/** The parts of an address as they were sent. */
export interface Target {
  /** In lower case, the port only when it is not the usual one. */
  readonly authority: string
  /** Never empty. */
  readonly path: string
  /** With its question mark; '' when there is none. */
  readonly query: string
}

const USUAL_PORT: Readonly<Record<string, RegExp>> = { http: /:80$/, https: /:443$/ }

/** @returns undefined for what is no http address, or names a user */
export function targetOf(url: string): Target | undefined {
  const [, scheme = '', authority = '', path = '', query = ''] =
    /^(https?):\/\/([^/?#@\s]+)(\/[^?#]*)?(\?[^#]*)?$/i.exec(url) ?? []
  if (authority === '') return undefined
  const usual = USUAL_PORT[scheme.toLowerCase()] ?? /$^/
  return { authority: authority.toLowerCase().replace(usual, ''), path: path || '/', query }
}

/** RFC 9110, section 5.1, in lower case. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
/** What a line can hold: RFC 9421, section 2.1, asks for ASCII. */
const LINE = /^[\t\x20-\x7e]*$/

function componentValue(message: SignedMessage, name: string): string | Mistaken {
  const value = name.startsWith('@') ? derivedValue(message, name) : fieldValue(message, name)
  if (value === undefined) return { mistake: `"${name}" is not there, or not a component that can be signed` }
  return LINE.test(value) ? value : { mistake: `"${name}" has characters beyond ASCII` }
}

/** Section 2.2. */
function derivedValue({ method, url }: SignedMessage, name: string): string | undefined {
  const target = targetOf(url)
  if (!target) return undefined
  if (name === '@method') return method
  if (name === '@authority') return target.authority
  if (name === '@path') return target.path
  return name === '@query' ? target.query || '?' : undefined
}

/** Section 2.1: every value trimmed, joined. A folded line never comes so far (RFC 9112, section 5.2). */
function fieldValue({ all }: SignedMessage, name: string): string | undefined {
  const values = FIELD_NAME.test(name) ? all(name) : []
  if (values.length === 0) return undefined
  return values.map(value => value.trim()).join(', ')
}
