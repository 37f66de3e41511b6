// An authorization code flow, step by step: what a client sends, what a person answers.
import { createHash, randomBytes } from 'node:crypto'
import type { Agent, Page } from './agent.ts'
import { parse } from './html.ts'
import { PASSWORD } from './orders.ts'

export interface FlowClient {
  readonly client_id: string
  readonly client_secret?: string
  readonly redirect_uris?: readonly string[]
}

export interface AuthorizationRequest {
  readonly url: string
  readonly verifier: string
}

/** @param params added to or replacing the defaults; undefined leaves one out */
export function authorizationRequest(
  issuer: string,
  client: FlowClient,
  params: Record<string, string | readonly string[] | undefined> = {},
): AuthorizationRequest {
  const verifier = randomBytes(32).toString('base64url')
  const all = {
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: client.redirect_uris?.[0],
    scope: 'openid',
    state: 'some-state',
    nonce: 'some-nonce',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...params,
  }
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(all))
    for (const one of [value ?? []].flat()) query.append(name, one)
  return { url: `${issuer}/authorize?${query}`, verifier }
}

export interface Person {
  readonly username?: string
  readonly password?: string
  /** Scopes to leave unticked on the consent page. */
  readonly untick?: readonly string[]
  readonly decision?: 'allow' | 'deny'
}

/** Answers whatever pages come until the browser is sent away or nothing more can be done. */
export async function answer(agent: Agent, page: Page, person: Person = {}): Promise<Page> {
  const { username = 'ada', password = PASSWORD, untick = [], decision = 'allow' } = person
  let current = await agent.follow(page)
  for (let step = 0; step < 4 && current.location === undefined && current.status === 200; step++) {
    const form = parse(current.text).forms.find(
      one => one.buttons.includes('Allow') || one.buttons.includes('Sign in'),
    )
    if (!form) return current
    const scope = form.checkboxes.filter(box => !untick.includes(box.value)).map(box => box.value)
    const fields = form.buttons.includes('Allow')
      ? { decision, scope: [form.hidden.scope ?? [], scope].flat() }
      : { username, password }
    current = await agent.follow(await agent.submit(current, fields, { action: form.action }))
  }
  return current
}

/** The parameters a client finds in its redirect. */
export function redirectOf(page: Page): URLSearchParams {
  if (page.location === undefined)
    throw new Error(`no redirect but ${page.status} at ${page.url}:\n${parse(page.text).text.slice(0, 1500)}`)
  return new URL(page.location).searchParams
}

/** The same where the client may have registered itself: then it can be a link on a page that the browser is sent on by. */
export function sentOnOf(page: Page): URLSearchParams {
  const [, link] = /<a [^>]*href="([^"]*)">Continue<\/a>/.exec(page.text) ?? []
  return link === undefined ? redirectOf(page) : new URL(link.replaceAll('&amp;', '&')).searchParams
}

export interface TokenResponse {
  readonly status: number
  readonly body: Record<string, string> & { expires_in?: number }
  readonly headers: Headers
}

/** A form posted to a protocol endpoint with the client's authentication. */
export async function protocolPost(
  issuer: string,
  path: string,
  client: FlowClient | undefined,
  params: Record<string, string | readonly string[]>,
  extra: Record<string, string> = {},
): Promise<TokenResponse> {
  const body = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) for (const one of [value].flat()) body.append(name, one)
  const headers: Record<string, string> = { ...extra }
  if (client?.client_secret !== undefined)
    headers.authorization = `Basic ${btoa(`${encodeURIComponent(client.client_id)}:${encodeURIComponent(client.client_secret)}`)}`
  else if (client) body.set('client_id', client.client_id)
  const response = await fetch(`${issuer}${path}`, { method: 'POST', body, headers })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
}

export interface Flow {
  readonly redirect: URLSearchParams
  readonly token: TokenResponse
}

/** The whole flow: request, pages, code, tokens. */
export async function codeFlow(
  issuer: string,
  agent: Agent,
  client: FlowClient,
  {
    params = {},
    person = {},
    token = {},
  }: {
    params?: Record<string, string | readonly string[] | undefined>
    person?: Person
    token?: Record<string, string>
  } = {},
): Promise<Flow> {
  const { url, verifier } = authorizationRequest(issuer, client, params)
  const redirect = sentOnOf(await answer(agent, await agent.get(url), person))
  const exchanged = await protocolPost(issuer, '/token', client, {
    grant_type: 'authorization_code',
    code: redirect.get('code') ?? '',
    redirect_uri: client.redirect_uris?.[0] ?? '',
    code_verifier: verifier,
    ...token,
  })
  return { redirect, token: exchanged }
}
