/**
 * The body of a request whose head was signed. Latchkey has seen the head only and hands on the digest that was signed
 * (RFC 9530); whoever has the body compares. A request that was signed without one has no body.
 */
import { createHash } from 'node:crypto'
import type { Identity } from './identity.ts'
import type { PresentedRequest } from './presented-request.ts'

/** Whether there is anything to compare. */
export const mayBeSigned = (identity: Identity): boolean =>
  identity.contentDigest !== undefined || identity.kind === 'signing-secret'

export type SignedBody = 'fits' | 'differs' | 'not_seen'

/** @param given the body as it came, when the one who asks has it already */
export async function compareBody(
  identity: Identity,
  request: PresentedRequest,
  given: Uint8Array | undefined,
): Promise<SignedBody> {
  const { contentDigest } = identity
  const body = given ?? (await seenBody(request))
  if (body === undefined) return 'not_seen'
  const fits = contentDigest === undefined ? body.length === 0 : isDigestOf(contentDigest, body)
  return fits ? 'fits' : 'differs'
}

async function seenBody(request: PresentedRequest): Promise<Uint8Array | undefined> {
  if (request.body) return await request.body()
  return (request.hasBody ?? announcesBody(request)) ? undefined : new Uint8Array()
}

/** RFC 9112, section 6.3. */
const announcesBody = (request: PresentedRequest) =>
  request.all('transfer-encoding').length > 0 ||
  request.all('content-length').some(length => length.trim() !== '0')

/** RFC 9530, sections 2 and 5: every digest that counts is that of the body, and there is one. */
export function isDigestOf(contentDigest: string, body: Uint8Array): boolean {
  const members = contentDigest.split(',').map(member => /^\s*([a-z0-9-]+)=:([\w+/=]*):\s*$/.exec(member))
  if (!members.every(member => member !== null)) return false
  const known = members.filter(([, algorithm]) => algorithm === 'sha-256' || algorithm === 'sha-512')
  const digest = (algorithm = '') => createHash(algorithm.replace('-', '')).update(body).digest('base64')
  return known.length > 0 && known.every(([, algorithm, value]) => digest(algorithm) === value)
}
