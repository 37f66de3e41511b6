/** Request bodies, bounded in size and time. forms.ts and protocol-body.ts read through here, each request once. */
import type { IncomingMessage } from 'node:http'
import { invalidRequest, Problem } from './problem.ts'

export interface BodyLimits {
  /** The most bytes. */
  readonly bytes: number
  /** Milliseconds from the first wait to the last byte. */
  readonly ms: number
}

export const BODY_LIMITS: BodyLimits = { bytes: 64 * 1024, ms: 10_000 }

/**
 * What is still read, and thrown away, of a body that is too large. A client that is still sending when the
 * connection closes often never sees the answer.
 */
const DISCARDED_BYTES = 1024 * 1024

const CLOSE = { headers: { Connection: 'close' } }

const tooLarge = (limits: BodyLimits, close: boolean) =>
  new Problem(
    413,
    'content_too_large',
    `The body is larger than ${limits.bytes} bytes.`,
    undefined,
    close ? CLOSE : {},
  )

const tooSlow = () =>
  new Problem(408, 'request_timeout', 'The body did not arrive in time.', undefined, CLOSE)

const bodies = new WeakMap<IncomingMessage, Promise<Buffer>>()

/**
 * The whole body. Asked again for one request, it is the same answer.
 * @throws Problem 413 (declared or streamed), 408, 400 when the caller went away, 415 for a compressed body
 */
export function readBody(req: IncomingMessage, limits: BodyLimits = BODY_LIMITS): Promise<Buffer> {
  const known = bodies.get(req)
  if (known) return known
  const body = collect(req, limits)
  bodies.set(req, body)
  return body
}

async function collect(req: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const encoding = req.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new Problem(415, 'unsupported_media_type', 'The body must not be compressed.', undefined, CLOSE)
  if (Number(req.headers['content-length'] ?? 0) > DISCARDED_BYTES) throw tooLarge(limits, true)
  if (req.readableEnded) throw new Error('The body was read by something else before')

  return new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    let received = 0
    const settle = (outcome: () => void) => {
      clearTimeout(timer)
      req.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone)
      // A late error of a request nobody reads any more must not end the process.
      req.on('error', () => undefined)
      outcome()
    }
    const timer = setTimeout(() => settle(() => reject(tooSlow())), limits.ms)
    const onData = (chunk: Buffer) => {
      received += chunk.length
      if (received <= limits.bytes) chunks.push(chunk)
      else chunks.length = 0
      if (received > DISCARDED_BYTES) settle(() => reject(tooLarge(limits, true)))
    }
    const onEnd = () =>
      settle(() =>
        received > limits.bytes ? reject(tooLarge(limits, false)) : resolve(Buffer.concat(chunks, received)),
      )
    const onGone = () =>
      settle(() => reject(invalidRequest('The request ended before its body was complete.')))
    req.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
  })
}

/** @throws Problem 400 when the bytes are not UTF-8 */
export function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    throw invalidRequest('The body is not valid UTF-8.')
  }
}

/** The media type without parameters, lower case; '' when there is none. @throws Problem 415 for a charset that is not UTF-8 */
export function mediaTypeOf(req: IncomingMessage): string {
  const [type = '', ...parameters] = (req.headers['content-type'] ?? '').split(';')
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=')
    const charset = value.trim().replaceAll('"', '').toLowerCase()
    if (name.trim().toLowerCase() === 'charset' && charset !== 'utf-8' && charset !== 'utf8')
      throw new Problem(415, 'unsupported_media_type', 'The body must be UTF-8.')
  }
  return type.trim().toLowerCase()
}
