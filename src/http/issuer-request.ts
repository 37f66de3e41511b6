/**
 * What Koa derives from headers is derived from the issuer instead, in our app and in the provider, which builds
 * discovery, device links, `htu` and the audiences it accepts from it. Host and X-Forwarded-* then change nothing.
 */
import type { IncomingMessage } from 'node:http'
import { knownClientAddress } from './client-address.ts'

interface RequestPrototype {
  readonly req: IncomingMessage
}

/** Call once per Koa app, before it serves: `defineOrigin(app, issuer)`, `defineOrigin(provider, issuer)`. */
export function defineOrigin(app: { readonly request: object }, issuer: string): void {
  const { protocol, host, hostname, origin } = new URL(issuer)
  const fixed = {
    protocol: protocol.slice(0, -1),
    host,
    hostname,
    origin,
    secure: protocol === 'https:',
  }
  for (const [name, value] of Object.entries(fixed)) {
    Object.defineProperty(app.request, name, { configurable: true, get: () => value })
  }
  Object.defineProperties(app.request, {
    ip: {
      configurable: true,
      get(this: RequestPrototype) {
        return knownClientAddress(this.req) ?? this.req.socket.remoteAddress ?? ''
      },
    },
    ips: { configurable: true, get: () => [] },
  })
}
