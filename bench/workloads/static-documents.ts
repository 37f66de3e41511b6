import { request } from '../load.ts'
import type { Workload } from '../measure.ts'
import { expectJson, isHello } from './expect.ts'

const document = (name: string, path: string, key: string): Workload => ({
  name,
  budgets: { hello: 0.85 },
  async prepare({ ours, references: { hello }, host }) {
    return {
      ours: {
        server: ours,
        requests: [request('GET', path, { host })],
        check: expectJson(name, body => key in body),
      },
      references: hello
        ? { hello: { server: hello, requests: [request('GET', '/', { host })], check: isHello } }
        : {},
    }
  },
})

export const discovery = document('discovery', '/.well-known/openid-configuration', 'issuer')
export const jwks = document('JWKS', '/jwks', 'keys')
