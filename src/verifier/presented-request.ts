/** A request as the verifier sees it, wherever it comes from. */

export interface PresentedRequest {
  readonly method: string
  /** Path and query as sent: it begins with `/`. */
  readonly target: string
  /** Every value of a header, in order. @param name in lower case */
  all(name: string): readonly string[]
  /** All headers, as sent. */
  pairs(): [name: string, value: string][]
}

/** What there is of a Node request (`node:http`, and what Koa, Express and Fastify wrap). */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly rawHeaders: readonly string[]
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
  }
}

/** @param target when a router has cut its part off `url` */
export function nodeRequest(
  { method = 'GET', url = '/', rawHeaders }: NodeRequest,
  target = url,
): PresentedRequest {
  return {
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
        pairs.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? ''])
      return pairs
    },
  }
}

const NONE: readonly string[] = Object.freeze([])

/** RFC 9112, section 3.2: the absolute form, or `*`. */
function pathOf(target: string): string {
  const url = URL.parse(target)
  return url ? url.pathname + url.search : '/'
}
