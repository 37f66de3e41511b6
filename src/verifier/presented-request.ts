/** A request as the verifier sees it, wherever it comes from. */

export interface PresentedRequest {
  readonly method: string
  /** Path and query as sent: it begins with `/`. */
  readonly target: string
  /** Every value of a header, in order. @param name in lower case */
  all(name: string): readonly string[]
  /** All headers, as sent. */
  pairs(): [name: string, value: string][]
  /** A copy of the body, where one can be had that leaves it for whoever answers. Undefined: read already, or too long. */
  body?(): Promise<Uint8Array | undefined>
  /** Whether it has a body, where that is known without the headers. */
  readonly hasBody?: boolean
}

/** What there is of a Node request (`node:http`, and what Koa, Express and Fastify wrap). */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly rawHeaders: readonly string[]
  /** Of HTTP/2. */
  readonly stream?: { readonly endAfterHeaders?: boolean | undefined } | undefined
}

/** A `Request` of the web platform. Repeated headers have been joined in it. */
export function webRequest(request: Request): PresentedRequest {
  const { url, method, headers } = request
  const hash = url.indexOf('#')
  return {
    method,
    target: url.slice(url.indexOf('/', url.indexOf('//') + 2), hash === -1 ? undefined : hash),
    all(name) {
      const value = headers.get(name)
      return value === null ? NONE : [value]
    },
    pairs: () => [...headers],
    body: () => copyOf(request),
  }
}

/** What is compared with a signed digest; more than that is given by who has it (`Wanted.body`). */
const MOST_BODY_BYTES = 1024 * 1024

async function copyOf(request: Request): Promise<Uint8Array | undefined> {
  if (request.bodyUsed) return undefined
  const reader = request.clone().body?.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    length += part.value.length
    chunks.push(part.value)
    if (length <= MOST_BODY_BYTES) continue
    // It ends when the other copy is ended too: nobody waits for that.
    reader?.cancel().catch(() => undefined)
    return undefined
  }
  return Buffer.concat(chunks)
}

/** @param target when a router has cut its part off `url` */
export function nodeRequest(
  { method = 'GET', url = '/', rawHeaders, stream }: NodeRequest,
  target = url,
): PresentedRequest {
  return {
    // HTTP/2 does not have to say in a header that a body comes (RFC 9113, section 8.1).
    ...(isPseudo(rawHeaders[0]) && { hasBody: stream?.endAfterHeaders !== true }),
    method,
    target: target.startsWith('/') ? target : pathOf(target),
    all(name) {
      let found: string[] | undefined
      for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
        const sent = rawHeaders[at] ?? ''
        if (sent.length !== name.length || sent.toLowerCase() !== name) continue
        found ??= []
        found.push(rawHeaders[at + 1] ?? '')
      }
      return found ?? NONE
    },
    pairs() {
      const pairs: [string, string][] = []
      for (let at = 0; at + 1 < rawHeaders.length; at += 2)
        if (!isPseudo(rawHeaders[at])) pairs.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? ''])
      return pairs
    },
  }
}

/** `:method` and the like, which come first in HTTP/2 and are no headers (RFC 9113, section 8.3). */
const isPseudo = (name: string | undefined): boolean => name?.startsWith(':') === true

const NONE: readonly string[] = Object.freeze([])

/** RFC 9112, section 3.2: the absolute form, or `*`. */
function pathOf(target: string): string {
  const url = URL.parse(target)
  return url ? url.pathname + url.search : '/'
}
