/**
 * The simple profile of signed requests, for callers to whom RFC 9421 is too much: five headers, and one HMAC over a few
 * lines. docs/signed-requests.md has it byte for byte. Nothing here has a clock or knows a secret.
 */
import type { RequestView } from '../http/request-view.ts'
import { looksMinted } from '../secrets/minted-format.ts'
import { type Mistaken, type SignedMessage, targetOf } from './message-signature.ts'

export interface SimpleSignature {
  readonly keyId: string
  /** Unix seconds, as sent. */
  readonly timestamp: string
  /** '' when there is none. */
  readonly nonce: string
  readonly signature: Buffer
  /** Of the body, in lower-case hex, as the sender says; undefined when it leaves that to who has the body. */
  readonly bodyHash: string | undefined
}

/** SHA-256 of nothing. */
export const EMPTY_BODY_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

const TIMESTAMP = /^[1-9]\d{0,11}$/
const NONCE = /^[\x21-\x7e]{1,64}$/
const HASH = /^[0-9a-f]{64}$/i

/** An `X-Signature` beside `X-API-Key` makes of that the id of a signing secret. Tokens of ours show themselves. */
export function isSimplySigned({ all }: Pick<RequestView, 'all'>): boolean {
  const keys = all('x-api-key')
  return keys.length > 0 && all('x-signature').length > 0 && !keys.some(key => looksMinted(key.trim()))
}

/** `X-API-Key`, `X-Timestamp`, `X-Nonce`, `X-Signature`, `X-Content-SHA256`. */
export function readSimpleSignature({ all }: Pick<RequestView, 'all'>): SimpleSignature | Mistaken {
  const names = ['x-api-key', 'x-timestamp', 'x-nonce', 'x-signature', 'x-content-sha256']
  const twice = names.find(name => all(name).length > 1)
  if (twice !== undefined) return { mistake: `${twice} is there twice` }
  const [keyId, timestamp, nonce, signature, bodyHash] = names.map(name => all(name)[0]?.trim())
  if (!keyId) return { mistake: 'X-API-Key has to be the id of the signing secret' }
  if (timestamp === undefined || !TIMESTAMP.test(timestamp))
    return { mistake: 'X-Timestamp has to be in Unix seconds' }
  if (nonce !== undefined && nonce !== '' && !NONCE.test(nonce))
    return { mistake: 'X-Nonce has to be of at most 64 visible ASCII characters' }
  if (signature === undefined || !HASH.test(signature))
    return { mistake: 'X-Signature has to be 64 hexadecimal digits' }
  if (bodyHash !== undefined && !HASH.test(bodyHash))
    return { mistake: 'X-Content-SHA256 has to be 64 hexadecimal digits' }
  return {
    keyId,
    timestamp,
    nonce: nonce ?? '',
    signature: Buffer.from(signature, 'hex'),
    bodyHash: bodyHash?.toLowerCase(),
  }
}

/**
 * What is signed: lines joined by LF, without one at the end.
 * @param bodyHash SHA-256 in lower-case hex
 */
export function simpleBase(
  { method, url }: Pick<SignedMessage, 'method' | 'url'>,
  { timestamp, nonce }: Pick<SimpleSignature, 'timestamp' | 'nonce'>,
  bodyHash: string,
): string | Mistaken {
  const target = targetOf(url)
  if (!target) return { mistake: 'the address of the request has no host that can be signed' }
  const { authority, path, query } = target
  return ['v1', method, authority, `${path}${query}`, timestamp, nonce, bodyHash].join('\n')
}
