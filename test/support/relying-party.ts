// A real relying party, on another origin than the issuer's: a small web application made with openid-client.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import * as openid from 'openid-client'
import type { Page } from 'playwright-core'

export type Tokens = openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers

/** How an authorization ended at the client. */
export type Outcome =
  | { readonly tokens: Tokens; readonly code: string; readonly iss: string | null }
  | { readonly error: string; readonly description: string | undefined }

export interface Registration {
  readonly client_id: string
  readonly [field: string]: unknown
}

export interface RelyingParty {
  readonly origin: string
  /** What the declarative file has to say about it. */
  readonly registration: Registration
  /** Discovery, with the issuer's server running. */
  connect(issuer: string): Promise<void>
  readonly openid: openid.Configuration
  /** Its own address that begins a sign-in with these parameters beside its own. */
  signInAt(parameters?: Record<string, string>): string
  /** An authorization request as it sends it, for a browser that is elsewhere. */
  authorizationUrl(parameters?: Record<string, string>): Promise<URL>
  /** Waits until the browser has come back to it, and tells how it ended. */
  arrival(page: Page): Promise<Outcome>
  /** As `arrival`, when the person allowed it. */
  tokens(page: Page): Promise<Tokens>
  /** Addresses asked of it, in order, without their query. */
  readonly visits: string[]
  close(): Promise<void>
}

export const CLIENT_SECRET = 'relying-party-secret-for-tests-0123456789'

interface Pending {
  readonly verifier: string
  readonly nonce: string
  readonly resource: string | undefined
}

/** @param fields of the registration; `token_endpoint_auth_method: 'none'` makes a public client */
export async function startRelyingParty(fields: Registration): Promise<RelyingParty> {
  const pending = new Map<string, Pending>()
  const outcomes = new Map<string, Outcome | Error>()
  const visits: string[] = []
  let configuration: openid.Configuration | undefined

  const connected = () => {
    if (!configuration) throw new Error('connect() comes first')
    return configuration
  }

  async function authorizationUrl(parameters: Record<string, string> = {}): Promise<URL> {
    const [verifier, nonce, state] = [
      openid.randomPKCECodeVerifier(),
      openid.randomNonce(),
      openid.randomState(),
    ]
    pending.set(state, { verifier, nonce, resource: parameters.resource })
    return openid.buildAuthorizationUrl(connected(), {
      redirect_uri: `${origin}/callback`,
      scope: 'openid',
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...parameters,
    })
  }

  /** @param returned the address that the browser was sent to, or the form that it posted there */
  async function callback(
    state: string,
    returned: URL | Request,
    parameters: URLSearchParams,
  ): Promise<Outcome> {
    const begun = pending.get(state)
    if (!begun) throw new Error(`nobody began a sign-in with the state ${state}`)
    pending.delete(state)
    try {
      const tokens = await openid.authorizationCodeGrant(
        connected(),
        returned,
        {
          pkceCodeVerifier: begun.verifier,
          expectedNonce: begun.nonce,
          expectedState: state,
          idTokenExpected: true,
        },
        begun.resource === undefined ? {} : { resource: begun.resource },
      )
      return { tokens, code: parameters.get('code') ?? '', iss: parameters.get('iss') }
    } catch (error) {
      if (error instanceof openid.AuthorizationResponseError)
        return { error: error.error, description: error.error_description }
      throw error
    }
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', origin)
    visits.push(url.pathname)
    if (url.pathname === '/sign-in') {
      const location = await authorizationUrl(Object.fromEntries(url.searchParams))
      res.writeHead(302, { location: location.href }).end()
      return
    }
    if (url.pathname === '/callback') {
      const posted = req.method === 'POST' ? await text(req) : undefined
      const parameters = posted === undefined ? url.searchParams : new URLSearchParams(posted)
      const state = parameters.get('state') ?? ''
      const { 'content-type': type = '' } = req.headers
      const returned =
        posted === undefined
          ? url
          : new Request(url, { method: 'POST', body: posted, headers: { 'content-type': type } })
      // A browser may be told to load the same address again.
      if (!outcomes.has(state))
        outcomes.set(state, await callback(state, returned, parameters).catch((error: Error) => error))
      if (posted !== undefined) {
        res.writeHead(303, { location: `/callback?${new URLSearchParams({ state })}` }).end()
        return
      }
    }
    res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    res.end(
      '<!doctype html><title>Relying party</title><link rel="icon" href="data:,"><h1>Relying party</h1>',
    )
  }

  const server = createServer((req, res) => {
    answer(req, res).catch((error: unknown) => res.writeHead(500).end(String(error)))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const isPublic = fields.token_endpoint_auth_method === 'none'

  const party: RelyingParty = {
    origin,
    registration: {
      client_name: 'Relying party',
      redirect_uris: [`${origin}/callback`],
      post_logout_redirect_uris: [`${origin}/bye`],
      grant_types: ['authorization_code', 'refresh_token'],
      ...(isPublic ? {} : { client_secret: CLIENT_SECRET }),
      ...fields,
    },
    async connect(issuer) {
      configuration = await openid.discovery(
        new URL(issuer),
        fields.client_id,
        undefined,
        isPublic ? openid.None() : openid.ClientSecretBasic(CLIENT_SECRET),
        { execute: [openid.allowInsecureRequests] },
      )
    },
    get openid() {
      return connected()
    },
    signInAt: (parameters = {}) => `${origin}/sign-in?${new URLSearchParams(parameters)}`,
    authorizationUrl,
    async arrival(page) {
      await page.waitForURL(url => url.origin === origin && url.pathname === '/callback')
      const outcome = outcomes.get(new URL(page.url()).searchParams.get('state') ?? '')
      if (outcome === undefined || outcome instanceof Error)
        throw new Error(`The relying party could not use what came back`, { cause: outcome })
      return outcome
    },
    async tokens(page) {
      const outcome = await party.arrival(page)
      if ('error' in outcome) throw new Error(`${outcome.error}: ${outcome.description}`)
      return outcome.tokens
    },
    visits,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return party
}
