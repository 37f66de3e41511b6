/**
 * The body of a signed request. Where it is seen it is compared with what was signed; where only the head is seen, the
 * signed digest is handed on, and whoever has the body compares.
 */
import type { RequestView } from '../http/request-view.ts'
import {
  agree,
  type Digests,
  digestOf,
  isDigestOf,
  readContentDigest,
  writeContentDigest,
} from './content-digest.ts'
import { coversBody, type MessageSignature, type Mistaken } from './message-signature.ts'
import { EMPTY_BODY_HASH, type SimpleSignature } from './simple-signature.ts'

/** A body that is what was signed. */
export interface SignedBody {
  /** Absent when the body was compared. */
  readonly contentDigest?: string
}

const EMPTY = Buffer.alloc(0)
const NO_BODY: Digests = new Map([['sha-256', Buffer.from(EMPTY_BODY_HASH, 'hex')]])
const NOT_IT: Mistaken = { mistake: 'the body is not the one that was signed' }
const UNREADABLE: Mistaken = { mistake: 'the digest of the body that came with the question cannot be read' }

/**
 * RFC 9421: the digest stands in `Content-Digest`, which is covered. What is signed without that has no body.
 * @throws Problem when the body cannot be read: http/body.ts
 */
export async function checkMessageBody(
  request: RequestView,
  signature: Pick<MessageSignature, 'components'>,
): Promise<SignedBody | Mistaken> {
  const isCovered = coversBody(signature)
  const signed = isCovered ? onlyDigests(request) : NO_BODY
  if (!signed) return { mistake: 'Content-Digest has to be one field, with sha-256 or sha-512 in it' }
  if (request.body) return isDigestOf(signed, await request.body()) ? {} : NOT_IT
  if (request.contentDigest !== undefined) {
    const seen = readContentDigest(request.contentDigest)
    if (!seen) return UNREADABLE
    return (isCovered ? agree(signed, seen) : isDigestOf(seen, EMPTY)) ? {} : NOT_IT
  }
  if (!isCovered && announcesBody(request))
    return { mistake: 'it has a body, and does not cover content-digest' }
  return { contentDigest: writeContentDigest(signed) }
}

function onlyDigests({ all }: Pick<RequestView, 'all'>): Digests | undefined {
  const [field, second] = all('content-digest')
  return field === undefined || second !== undefined ? undefined : readContentDigest(field)
}

/**
 * The simple profile: the hash of the body is a line of what is signed.
 * @returns that line, in lower-case hex
 * @throws Problem when the body cannot be read: http/body.ts
 */
export async function bodyHashOf(
  request: RequestView,
  { bodyHash: told }: Pick<SimpleSignature, 'bodyHash'>,
): Promise<{ readonly hash: string; readonly body: SignedBody } | Mistaken> {
  const compared = (digest: Buffer | undefined) => {
    const hash = digest?.toString('hex')
    return hash !== undefined && (told ?? hash) === hash ? { hash, body: {} } : NOT_IT
  }
  if (request.body) return compared(digestOf(await request.body(), 'sha-256'))
  if (request.contentDigest !== undefined) {
    const seen = readContentDigest(request.contentDigest)
    return seen ? compared(seen.get('sha-256')) : UNREADABLE
  }
  if (told === undefined && announcesBody(request))
    return { mistake: 'it has a body, and no X-Content-SHA256' }
  const hash = told ?? EMPTY_BODY_HASH
  const contentDigest = writeContentDigest(new Map([['sha-256', Buffer.from(hash, 'hex')]]))
  return { hash, body: { contentDigest } }
}

/** What the head says of a body (RFC 9112, section 6.3). */
function announcesBody({ all }: Pick<RequestView, 'all'>): boolean {
  return (
    all('transfer-encoding').length > 0 || all('content-length').some(length => !/^0*$/.test(length.trim()))
  )
}
