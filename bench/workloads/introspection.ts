import { form, request } from '../load.ts'
import type { Workload } from '../measure.ts'
import { CLIENT_SECRET, RESOURCE } from '../setting.ts'
import { expectJson, isHello } from './expect.ts'

/** Introspection of a JWT access token by the server of its audience, warm. */
export const introspectionOfJwt: Workload = {
  name: 'introspection of a JWT, warm',
  budgets: { hello: 0.35 },
  async prepare({ ours, references: { hello }, host, issuer }) {
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`bench-0:${CLIENT_SECRET}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: RESOURCE }),
    })
    const { access_token: token } = (await response.json()) as { access_token: string }
    const requests = [form('/introspect', host, `bench-1:${CLIENT_SECRET}`, { token })]
    return {
      ours: { server: ours, requests, check: expectJson('introspection', body => body.active === true) },
      references: hello
        ? { hello: { server: hello, requests: [request('GET', '/', { host })], check: isHello } }
        : {},
    }
  },
}
