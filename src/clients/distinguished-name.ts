/**
 * Names of certificates' subjects as people write them (RFC 4514): `CN=billing,O=Acme\, Inc.,C=DE`. What is compared with
 * a certificate is what the text means, never the text.
 */
import type { DistinguishedName, NameAttribute } from '../http/certificate-parts.ts'

/** RFC 4514, section 3, and what `openssl x509 -subject -nameopt RFC2253` writes. Other types: their OID. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['cn', '2.5.4.3'],
  ['commonname', '2.5.4.3'],
  ['sn', '2.5.4.4'],
  ['serialnumber', '2.5.4.5'],
  ['c', '2.5.4.6'],
  ['l', '2.5.4.7'],
  ['st', '2.5.4.8'],
  ['street', '2.5.4.9'],
  ['o', '2.5.4.10'],
  ['ou', '2.5.4.11'],
  ['title', '2.5.4.12'],
  ['businesscategory', '2.5.4.15'],
  ['postalcode', '2.5.4.17'],
  ['gn', '2.5.4.42'],
  ['givenname', '2.5.4.42'],
  ['initials', '2.5.4.43'],
  ['dnqualifier', '2.5.4.46'],
  ['pseudonym', '2.5.4.65'],
  ['organizationidentifier', '2.5.4.97'],
  ['uid', '0.9.2342.19200300.100.1.1'],
  ['userid', '0.9.2342.19200300.100.1.1'],
  ['dc', '0.9.2342.19200300.100.1.25'],
  ['emailaddress', '1.2.840.113549.1.9.1'],
  ['jurisdictionl', '1.3.6.1.4.1.311.60.2.1.1'],
  ['jurisdictionst', '1.3.6.1.4.1.311.60.2.1.2'],
  ['jurisdictionc', '1.3.6.1.4.1.311.60.2.1.3'],
])

const OID = /^(?:0|1|2)(?:\.(?:0|[1-9]\d*))+$/
/** A value ends at an unescaped separator; a backslash takes the next character, or two hex digits, with it. */
const ATTRIBUTE =
  /^ *([A-Za-z][\w-]*|\d[\d.]*) *=((?:[^\\",+;<>\0]|\\[0-9A-Fa-f]{2}|\\[ "#+,;<=>\\])*)([,+]|$)/

/** @returns what is meant, in the order of certificates, the reverse of the text's; as text, what is wrong with it */
export function parseDistinguishedName(text: string): DistinguishedName | string {
  const parts: NameAttribute[][] = []
  let rest = text
  let part: NameAttribute[] = []
  for (;;) {
    const [all, type = '', written = '', separator] = ATTRIBUTE.exec(rest) ?? []
    if (all === undefined)
      return `must be a name as in RFC 4514, such as CN=billing,O=Acme: it cannot be read at ${JSON.stringify(rest.slice(0, 40))}`
    const oid = OID.test(type) ? type : TYPES.get(type.toLowerCase())
    if (oid === undefined) return `has the type ${JSON.stringify(type)}, which is not known: write its OID`
    const value = meantBy(written)
    if (typeof value !== 'string') return `has a value for ${type} that ${value.problem}`
    part.push({ type: oid, value })
    rest = rest.slice(all.length)
    if (separator === '+') continue
    parts.unshift(part)
    part = []
    if (separator === '') return parts
  }
}

function meantBy(written: string): string | { problem: string } {
  const all = [...written.matchAll(/\\([0-9A-Fa-f]{2})|\\(.)|([^\\])/gsu)]
  // Spaces around it count only when they are escaped.
  const counts = ([, , , plain]: RegExpMatchArray) => plain !== ' '
  const parts = all.slice(all.findIndex(counts), all.findLastIndex(counts) + 1)
  if (parts.length === 0) return { problem: 'is empty' }
  if (parts[0]?.[0] === '#') return { problem: 'is in hexadecimal: write it as text' }
  const bytes = parts.map(([, hex, escaped, plain]) =>
    hex === undefined ? Buffer.from(escaped ?? plain ?? '') : Buffer.from(hex, 'hex'),
  )
  try {
    const value = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes))
    return value.includes('\0') ? { problem: 'has the character U+0000' } : value
  } catch {
    return { problem: 'is not UTF-8' }
  }
}

/** Parts in the same order, attributes of one part in any; values to the letter. */
export function isSameName(one: DistinguishedName, other: DistinguishedName): boolean {
  const keyOf = (name: DistinguishedName) =>
    JSON.stringify(name.map(part => part.map(({ type, value }) => JSON.stringify([type, value])).sort()))
  return keyOf(one) === keyOf(other)
}
