// Asks forward-auth as each proxy does: in its headers, or with the original request below the address.
import { request } from 'node:http'
import type { DialectName } from '../../src/verify/forwarded-request.ts'
import { type Answer, answerTo } from '../http/ground.ts'

export interface Original {
  readonly method?: string
  readonly url: string
  /** Of the client. */
  readonly headers?: Readonly<Record<string, string | string[]>>
}

export interface AskedBy {
  readonly dialect: DialectName
  /** What the operator has written into the proxy's configuration. */
  readonly setup?: Readonly<Record<string, string>>
  /** Added to what the proxy sends, or in its place; undefined leaves one out. */
  readonly proxy?: Readonly<Record<string, string | string[] | undefined>>
  /** The proxy's own address. */
  readonly from?: string
  /** In the place of the address of forward-auth with `setup`. */
  readonly path?: string
}

export const DIALECTS: readonly DialectName[] = ['nginx', 'traefik', 'caddy', 'envoy']

const NAMES: Readonly<Record<string, readonly string[]>> = {
  nginx: ['X-Original-Method', 'X-Original-Host', 'X-Original-URI'],
  traefik: ['X-Forwarded-Method', 'X-Forwarded-Host', 'X-Forwarded-Uri'],
  caddy: ['X-Forwarded-Method', 'X-Forwarded-Host', 'X-Forwarded-Uri'],
}

function askedAs({ dialect, setup = {}, path }: AskedBy, { method = 'GET', url }: Original) {
  const { host, protocol } = new URL(url)
  const target = url.slice(url.indexOf('/', 8))
  const proto = { 'X-Forwarded-Proto': protocol.slice(0, -1) }
  const text = new URLSearchParams(setup).toString()
  if (dialect === 'envoy') {
    const parameters = text === '' ? '' : `;${text.replaceAll('&', ';')}`
    return {
      method,
      path: path ?? `/v1/forward-auth/envoy${parameters}${target}`,
      headers: { Host: host, ...proto },
    }
  }
  const [methodName = '', hostName = '', targetName = ''] = NAMES[dialect] ?? []
  return {
    method: 'GET',
    path: path ?? `/v1/forward-auth/${dialect}${text === '' ? '' : `?${text}`}`,
    headers: {
      Host: 'latchkey:3000',
      ...proto,
      [methodName]: method,
      [hostName]: host,
      [targetName]: target,
    },
  }
}

export function askForwardAuth(
  { issuer }: { issuer: string },
  by: AskedBy,
  original: Original,
): Promise<Answer> {
  const { method, path, headers } = askedAs(by, original)
  const sent = Object.entries({ ...headers, ...original.headers, ...by.proxy }).flatMap(([name, values]) =>
    [values ?? []].flat().flatMap(value => [name, value]),
  )
  const outgoing = request({
    host: '127.0.0.1',
    port: new URL(issuer).port,
    localAddress: by.from ?? '127.0.0.1',
    method,
    path,
    agent: false,
    setHost: false,
    headers: sent,
  })
  return answerTo(outgoing)
}

/** What the client would be shown. */
export function bodyBy(dialect: DialectName, { headers, text }: Answer) {
  return dialect === 'nginx'
    ? { type: headers['x-auth-type'], text: String(headers['x-auth-body']) }
    : { type: headers['content-type'], text }
}

/** What the client would get to know: nginx is told it in headers. */
export function toldBy(dialect: DialectName, { status, headers, text }: Answer) {
  const code = (body: string) => (body.startsWith('{') ? (JSON.parse(body) as { code: string }).code : body)
  return dialect === 'nginx'
    ? {
        status: Number(headers['x-auth-status']),
        code: headers['x-auth-code'],
        challenge: headers['x-auth-challenge'],
        retryAfter: headers['x-auth-retry-after'],
        location: headers['x-auth-location'],
      }
    : {
        status,
        code: code(text),
        challenge: headers['www-authenticate'],
        retryAfter: headers['retry-after'],
        location: headers.location,
      }
}
