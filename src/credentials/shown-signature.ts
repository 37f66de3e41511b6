/** The signature that a request shows, in either profile, as far as it can be read without a key. */
import type { RequestView } from '../http/request-view.ts'
import { isMistaken, type Mistaken, readMessageSignature, signatureBase } from './message-signature.ts'
import { ambiguousCredentials } from './refusals.ts'
import { readClaims, type SignatureClaims } from './signature-profile.ts'
import { bodyHashOf, checkMessageBody, type SignedBody } from './signed-body.ts'
import { isSimplySigned, readSimpleSignature, simpleBase } from './simple-signature.ts'

/** What was signed. */
export interface SignedText {
  readonly text: string
  /** Whether the body is the one that was signed. */
  body(): Promise<SignedBody | Mistaken>
}

export interface ShownSignature extends SignatureClaims {
  readonly signature: Buffer
  /** @throws Problem when the body cannot be read */
  message(request: RequestView): Promise<SignedText | Mistaken>
}

/**
 * @param apiKeyHeader the operator's, in lower case
 * @returns undefined when the request has none
 * @throws Problem 400 `ambiguous_credentials` when there is another credential beside it
 */
export function findShownSignature(
  request: RequestView,
  apiKeyHeader: string | undefined,
): ShownSignature | Mistaken | undefined {
  const has = (name: string | undefined) => name !== undefined && request.all(name).length > 0
  const isMessage = has('signature-input') || has('signature')
  const isSimple = isSimplySigned(request)
  if (!isMessage && !isSimple) return undefined
  const others = ['authorization', apiKeyHeader, ...(isMessage ? ['x-api-key'] : [])]
  if (others.some(name => has(name) && !(isSimple && !isMessage && name === 'x-api-key')))
    throw ambiguousCredentials()
  return isMessage ? messageOf(request) : simpleOf(request)
}

function messageOf(request: RequestView): ShownSignature | Mistaken {
  const read = readMessageSignature(request)
  if (isMistaken(read)) return read
  const claims = readClaims(read)
  if (isMistaken(claims)) return claims
  const text = signatureBase(request, read)
  if (typeof text !== 'string') return text
  return {
    ...claims,
    signature: read.signature,
    message: async asked => ({ text, body: () => checkMessageBody(asked, read) }),
  }
}

function simpleOf(request: RequestView): ShownSignature | Mistaken {
  const read = readSimpleSignature(request)
  if (isMistaken(read)) return read
  return {
    keyId: read.keyId,
    created: Number(read.timestamp),
    expires: undefined,
    algorithm: 'hmac-sha256',
    signature: read.signature,
    async message(asked) {
      const hashed = await bodyHashOf(asked, read)
      if (isMistaken(hashed)) return hashed
      const text = simpleBase(asked, read, hashed.hash)
      return typeof text === 'string' ? { text, body: async () => hashed.body } : text
    },
  }
}
