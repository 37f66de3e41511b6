/**
 * A resource identifier that is the address of a host alone can be written in two ways, `https://api.example.com` and
 * `https://api.example.com/`. They are one address (RFC 3986, section 6.2.3), and URL parsers turn the first into the
 * second. So one resource at most has it, and whoever asks for either means that one. Tokens name the resource as it was
 * registered, always. docs/decisions/0016 says more.
 */
import type { Resource } from './resource.ts'

/** How else the same address is written; undefined for one that has a single way. */
export function otherSpelling(identifier: string): string | undefined {
  const origin = webOrigin(identifier)
  if (origin === undefined) return undefined
  if (identifier === origin) return `${origin}/`
  return identifier === `${origin}/` ? origin : undefined
}

/** As a URL parser writes it, but for the slash of a host alone. Undefined: it is written so, or is no web address. */
export function plainSpelling(identifier: string): string | undefined {
  const origin = webOrigin(identifier)
  if (origin === undefined || identifier === origin) return undefined
  const { href } = new URL(identifier)
  if (identifier === href) return undefined
  return href === `${origin}/` ? origin : href
}

/** The identifier of the resource that is meant; what names none stays as it is. */
export async function registeredIdentifier(
  resources: { find(identifier: string): Promise<Resource | undefined> },
  asked: string,
): Promise<string> {
  const other = otherSpelling(asked)
  if (other === undefined || (await resources.find(asked))) return asked
  return (await resources.find(other)) ? other : asked
}

function webOrigin(identifier: string): string | undefined {
  const url = URL.parse(identifier)
  return url && (url.protocol === 'https:' || url.protocol === 'http:') ? url.origin : undefined
}
