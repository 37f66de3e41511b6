// The example API of examples/orders-api, as its README starts it: a process of its own, asked over real HTTP.
import { fileURLToPath } from 'node:url'
import { type Answer, ask, type Question } from '../http/ground.ts'
import { freePort } from './free-port.ts'
import { latchkey } from './latchkey.ts'
import { billing, ORDERS } from './orders.ts'
import { type Finished, runNode } from './process.ts'

export interface OrdersApi {
  readonly origin: string
  ask(question?: Question): Promise<Answer>
  /** GET /orders with these headers. */
  read(headers: Record<string, string | string[]>): Promise<Answer>
  /** POST /orders with these headers. */
  write(headers: Record<string, string>): Promise<Answer>
  /** @returns how it ended, with all it has printed */
  close(): Promise<Finished>
}

const SERVER = fileURLToPath(new URL('../../examples/orders-api/server.mjs', import.meta.url))

/** @param client whose `introspect` lists `resource`; `billing` of orders.ts */
export async function startOrdersApi({
  issuer,
  resource = ORDERS,
  client = billing,
  proxyOrigin,
  ca,
}: {
  issuer: string
  resource?: string
  client?: { client_id: string; client_secret?: string }
  /** It is behind a proxy that asks Latchkey, at this address. */
  proxyOrigin?: string
  /** A file with the authority of the issuer's certificate. */
  ca?: string
}): Promise<OrdersApi> {
  // It imports the package by its name, which is what was built.
  const { code, stderr } = await latchkey(['--version']).finished
  if (code !== 0) throw new Error(`latchkey --version ends with ${code}:\n${stderr}`)
  const port = await freePort()
  const { PATH, HOME } = process.env
  const running = runNode([SERVER], {
    env: {
      PATH,
      HOME,
      PORT: String(port),
      ISSUER: issuer,
      RESOURCE: resource,
      CLIENT_ID: client.client_id,
      CLIENT_SECRET: client.client_secret,
      // Tests look at once at what they have changed.
      CACHE_SECONDS: '0',
      ...(proxyOrigin !== undefined && { PROXY_ORIGIN: proxyOrigin }),
      ...(ca !== undefined && { NODE_EXTRA_CA_CERTS: ca }),
    },
  })
  await running.printed(/^listening /m)
  const origin = `http://127.0.0.1:${port}`
  const askIt = (question: Question = {}) => ask({ port, issuer: origin }, question)
  return {
    origin,
    ask: askIt,
    read: headers => askIt({ path: '/orders', headers }),
    write: headers =>
      askIt({
        method: 'POST',
        path: '/orders',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ item: 'An analytical engine' }),
      }),
    close() {
      running.process.kill('SIGTERM')
      return running.finished
    },
  }
}
