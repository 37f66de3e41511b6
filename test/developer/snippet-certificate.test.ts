// The code that a client with a certificate is offered does what it says: it is run as it stands on the page.
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { decodeJwt } from 'jose'
import * as oidc from 'openid-client'
import type { Agent } from '../support/agent.ts'
import { createAuthority, createSelfSigned, type Holder } from '../support/certificates.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { shownOnce, signedInAgent } from '../support/signed-in-agent.ts'
import { fetchAs, startTlsApp, type TlsApp } from '../support/tls-app.ts'

const authority = createAuthority()
const named = authority.issue({ names: [{ dns: 'job.acme.example' }] })
const own = createSelfSigned()

let tls: TlsApp
let ada: Agent
beforeAll(async () => {
  tls = await startTlsApp([authority], ordersFile)
  ada = await signedInAgent(tls.app, 'ada')
})
afterAll(() => tls?.close())

type Run = (...values: unknown[]) => Promise<{ access_token: string }>
const AsyncFunction = (async () => undefined).constructor as new (...text: string[]) => Run

/** Undici's, as far as the snippet uses them. */
class StandInAgent {
  readonly connect: { readonly cert: string; readonly key: string }
  constructor({ connect }: { connect: { cert: string; key: string } }) {
    this.connect = connect
  }
}
const standInFetch = (url: string, { dispatcher, ...init }: { dispatcher: StandInAgent }) =>
  fetchAs({ ...dispatcher.connect, chain: dispatcher.connect.cert } as Holder)(url, init)

it.each<[string, Holder, Record<string, string>]>([
  [
    'a name in it',
    named,
    {
      token_endpoint_auth_method: 'tls_client_auth',
      certificate_name: 'tls_client_auth_san_dns',
      certificate_value: 'job.acme.example',
    },
  ],
  [
    'one that is registered',
    own,
    { token_endpoint_auth_method: 'self_signed_tls_client_auth', certificates: own.cert },
  ],
])('a service with a certificate: %s', async (_how, holder, proof) => {
  const form = await ada.get('/clients/new?kind=service')
  const page = await ada.submit(
    form,
    {
      client_name: "It's ours",
      scope: `${ORDERS} read:orders`,
      tls_client_certificate_bound_access_tokens: 'true',
      ...proof,
    },
    { button: 'Register' },
  )
  const snippet = shownOnce(page, 'snippet')
  expect(snippet).toContain("import { Agent, fetch } from 'undici'\n")
  const code = snippet.replace(/^(?:import [^\n]+ from '[\w:-]+'\n)+/, '')
  const env = { CLIENT_CERTIFICATE: holder.cert, CLIENT_CERTIFICATE_KEY: holder.key }
  const run = new AsyncFunction('oidc', 'env', 'Agent', 'fetch', `${code}\nreturn tokens`)
  const { access_token: token } = await run(oidc, env, StandInAgent, standInFetch)
  expect(decodeJwt(token)).toMatchObject({
    aud: ORDERS,
    scope: 'read:orders',
    cnf: { 'x5t#S256': holder.thumbprint },
  })
})
