// The configurations of examples/forward-auth in real proxies: only ports are others. Callers come in over TLS, as the two
// hosts of the example.
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { fileURLToPath } from 'node:url'
import { type Answer, answerTo, type Question } from '../http/ground.ts'
import { startCaddy } from './caddy.ts'
import { type Authority, createAuthority, type Holder } from './certificates.ts'
import { freePort } from './free-port.ts'
import { startNginx } from './nginx.ts'

export const API_HOST = 'api.example.com'

export interface ProxyQuestion extends Question {
  /** API_HOST unless given. */
  readonly host?: string
  /** What the caller shows. */
  readonly certificate?: Pick<Holder, 'cert' | 'key'>
  /** The caller's address. */
  readonly from?: string
}

export interface ForwardAuthProxy {
  readonly port: number
  ask(question?: ProxyQuestion): Promise<Answer>
  close(): Promise<void>
}

/** Where the example's addresses are in a test. */
export interface Places {
  readonly port: number
  readonly latchkey: number
  readonly orders: number
  /** Of the second site, with its port; the example's unless given. */
  readonly issuerHost?: string
}

const example = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../examples/forward-auth/${name}`, import.meta.url)), 'utf8')

type Replacement = readonly [find: string, replacement: string]

/** @throws when the example has changed so that a test would not see it any more */
function placed(name: string, replacements: readonly Replacement[]): string {
  return replacements.reduce((text, [find, replacement]) => {
    if (!text.includes(find)) throw new Error(`There is no ${find} in ${name}`)
    return text.replaceAll(find, replacement)
  }, example(name))
}

function nginx({ port, latchkey, orders, issuerHost }: Places, files: Record<string, string>) {
  const config = placed('nginx.conf', [
    ['listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`],
    ['127.0.0.1:3000', `127.0.0.1:${latchkey}`],
    ['127.0.0.1:8081', `127.0.0.1:${orders}`],
    ['127.0.0.1:8082', `127.0.0.1:${orders}`],
    ['server_name id.example.com;', `server_name ${issuerHost?.split(':')[0] ?? 'id.example.com'};`],
    ['$latchkey_host id.example.com;', `$latchkey_host ${issuerHost ?? 'id.example.com'};`],
  ])
  return startNginx({ port, config, files: { ...files, 'latchkey.conf': example('latchkey.conf') } })
}

function caddy({ port, latchkey, orders, issuerHost }: Places, files: Record<string, string>) {
  const config = placed('Caddyfile', [
    ['https://api.example.com {', `https://${API_HOST}:${port} {\n\tbind 127.0.0.1`],
    ['https://id.example.com {', `https://${issuerHost ?? `id.example.com:${port}`} {\n\tbind 127.0.0.1`],
    ['127.0.0.1:3000', `127.0.0.1:${latchkey}`],
    ['127.0.0.1:8081', `127.0.0.1:${orders}`],
    ['127.0.0.1:8082', `127.0.0.1:${orders}`],
  ])
  return startCaddy({ port, config, files })
}

export const PROXIES = { nginx, caddy }
export type ProxyName = keyof typeof PROXIES

/** @param authority whose certificate the proxy has; its clients' may be anybody's */
export async function startProxy(
  name: ProxyName,
  { port = 0, ...places }: Omit<Places, 'port'> & { port?: number },
  authority: Authority = createAuthority(),
): Promise<ForwardAuthProxy> {
  const own = port === 0 ? await freePort() : port
  const names = [API_HOST, 'id.example.com', 'localhost'].map(dns => ({ dns }))
  const server = authority.issue({ subject: '/CN=proxy', names, usage: 'serverAuth' })
  const files = { 'cert.pem': server.cert, 'key.pem': server.key }
  const proxy = await PROXIES[name]({ port: own, ...places }, files)
  return {
    port: own,
    ask: question => askOverTls(own, authority, question),
    close: () => proxy.close(),
  }
}

function askOverTls(
  port: number,
  { cert: ca }: Authority,
  {
    method = 'GET',
    path = '/',
    headers = {},
    body,
    host = API_HOST,
    certificate,
    from = '127.0.0.1',
  }: ProxyQuestion = {},
): Promise<Answer> {
  const [servername = host] = host.split(':')
  const outgoing = request({
    host: '127.0.0.1',
    port,
    servername,
    ca,
    ...(certificate && { cert: certificate.cert, key: certificate.key }),
    localAddress: from,
    agent: false,
    method,
    path,
    setHost: false,
    headers: {
      host,
      ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
      ...headers,
    },
  })
  return answerTo(outgoing, body)
}
