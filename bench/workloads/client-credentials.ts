import { form, request } from '../load.ts'
import type { Workload } from '../measure.ts'
import { CLIENT_SECRET, CLIENTS, RESOURCE } from '../setting.ts'
import { expectJson, isHello } from './expect.ts'

/** client_credentials → ES256 JWT, 1,000 clients, warm. */
export const clientCredentials: Workload = {
  name: 'client_credentials → ES256 JWT',
  budgets: { stock: 2.5, hello: 0.13 },
  async prepare({ ours, references, host }) {
    const ask = (clientId: string) =>
      form('/token', host, `${clientId}:${CLIENT_SECRET}`, {
        grant_type: 'client_credentials',
        resource: RESOURCE,
        scope: 'read:bench',
      })
    const check = expectJson(
      'token',
      body => typeof body.access_token === 'string' && body.scope === 'read:bench',
    )
    return {
      ours: {
        server: ours,
        requests: Array.from({ length: CLIENTS }, (_, index) => ask(`bench-${index}`)),
        check,
      },
      references: {
        ...(references.stock && { stock: { server: references.stock, requests: [ask('bench-0')], check } }),
        ...(references.hello && {
          hello: { server: references.hello, requests: [request('GET', '/', { host })], check: isHello },
        }),
      },
    }
  },
}
