// The part of a relying party that hears of logouts (OpenID Connect Back-Channel Logout 1.0): a real server on loopback.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createRemoteJWKSet, type JWTPayload, jwtVerify, type ProtectedHeaderParameters } from 'jose'
import { until } from './process.ts'

export interface Heard {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly contentType: string | undefined
  readonly fields: Record<string, string>
}

export interface LogoutListener {
  readonly uri: string
  /** Every request that was complete, in order. */
  readonly heard: Heard[]
  /** What to say to the next ones, in order; then 200. 'nothing' keeps the connection open. */
  readonly answers: (number | 'nothing')[]
  /** Waits until so many have come, and gives the logout tokens. */
  tokens(count: number): Promise<string[]>
  close(): Promise<void>
}

export async function startLogoutListener(path = '/logout'): Promise<LogoutListener> {
  const heard: Heard[] = []
  const answers: (number | 'nothing')[] = []

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const fields = Object.fromEntries(new URLSearchParams(await text(req)))
    heard.push({ method: req.method, path: req.url, contentType: req.headers['content-type'], fields })
    const status = answers.shift() ?? 200
    if (status !== 'nothing') res.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end()
  }

  const server = createServer((req, res) => {
    answer(req, res).catch(() => res.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    heard,
    answers,
    async tokens(count) {
      await until(`${count} logout tokens have come`, () => heard.length >= count)
      return heard.map(({ fields }) => fields.logout_token ?? '')
    },
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** As a relying party must check it (section 2.6), with the keys that the server publishes. */
export async function verifyLogoutToken(
  issuer: string,
  audience: string,
  token: string,
): Promise<{ header: ProtectedHeaderParameters; claims: JWTPayload }> {
  const keys = createRemoteJWKSet(new URL('/jwks', issuer))
  const options = {
    issuer,
    audience,
    typ: 'logout+jwt',
    requiredClaims: ['sub', 'sid', 'iat', 'exp', 'jti', 'events'],
  }
  const { payload, protectedHeader } = await jwtVerify(token, keys, options)
  if ('nonce' in payload) throw new Error('a logout token must not have a nonce')
  return { header: protectedHeader, claims: payload }
}
