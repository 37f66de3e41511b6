/** A request as the credential kinds see it: read-only, complete, and nothing of Koa. */
import { readBody } from './body.ts'
import type { ClientCertificate } from './client-certificate.ts'
import type { Context } from './context.ts'

export interface RequestView {
  readonly method: string
  /** Absolute: the issuer's origin, or MTLS_ORIGIN where the client asked there, with the path and query as they were sent. */
  readonly url: string
  /** Path as sent, without the query. */
  readonly path: string
  /** As sent: order, spelling and repetition kept. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Every value of a header, in order. */
  all(name: string): readonly string[]
  /** The values of a header joined with `, ` (cookies with `; `); undefined when it was not sent. */
  header(name: string): string | undefined
  /** The client's address; '' when it is not known. */
  readonly address: string
  /** What the client showed on its connection. */
  readonly certificate?: ClientCertificate
  /**
   * The bytes of the body. Absent where only the head of the request is seen.
   * @throws Problem 413, 408, 400, 415: body.ts
   */
  readonly body?: () => Promise<Buffer>
  /** RFC 9530, `Content-Digest`: of the body, as whoever asks about this request has computed it. */
  readonly contentDigest?: string
}

export interface RequestParts {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly address?: string
  readonly certificate?: ClientCertificate | undefined
  readonly body?: () => Promise<Buffer>
  readonly contentDigest?: string | undefined
}

/** The request being answered. */
export function requestView(
  ctx: Pick<Context, 'method' | 'href' | 'originalUrl' | 'req' | 'state'>,
): RequestView {
  const headers: [string, string][] = []
  const { rawHeaders } = ctx.req
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? ''])
  }
  return describeRequest({
    method: ctx.method,
    url: ctx.state.askedAt === undefined ? ctx.href : `${ctx.state.askedAt}${ctx.originalUrl}`,
    headers,
    address: ctx.state.clientAddress,
    certificate: ctx.state.clientCertificate,
    body: () => readBody(ctx.req),
  })
}

/** A request that somebody tells us about, such as the body of `POST /v1/verify`. */
export function describeRequest(parts: RequestParts): RequestView {
  const { method, url, headers, address = '', certificate, body, contentDigest } = parts
  const byName = new Map<string, string[]>()
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    const values = byName.get(key)
    if (values) values.push(value)
    else byName.set(key, [value])
  }
  const all = (name: string) => byName.get(name.toLowerCase()) ?? []
  return Object.freeze({
    method,
    url,
    path: url.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '') || '/',
    headers,
    all,
    header: (name: string) => {
      const values = all(name)
      return values.length === 0 ? undefined : values.join(name.toLowerCase() === 'cookie' ? '; ' : ', ')
    },
    address,
    ...(certificate && { certificate }),
    ...(body && { body }),
    ...(contentDigest !== undefined && { contentDigest }),
  })
}
