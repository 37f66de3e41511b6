// Clients that exchange tokens (RFC 8693), and the request with which they do.
import { type FlowClient, protocolPost, type TokenResponse } from './authorization.ts'
import { ORDERS, ordersFile, STOCK } from './orders.ts'

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
export const JWT = 'urn:ietf:params:oauth:token-type:jwt'

/** Exchanges for both APIs; may not do what only administrators of orders may. */
export const gateway = {
  client_id: 'gateway',
  client_secret: 'gateway-secret-for-tests-only-0123456789ab',
  organization: 'acme',
  grant_types: ['client_credentials', TOKEN_EXCHANGE],
  resource_scopes: { [ORDERS]: ['read:orders', 'write:orders'], [STOCK]: ['read:stock'] },
}

/** Behind the gateway: one API, one scope. */
export const backend = {
  client_id: 'backend',
  client_secret: 'backend-secret-for-tests-only-0123456789ab',
  organization: 'acme',
  grant_types: [TOKEN_EXCHANGE],
  resource_scopes: { [ORDERS]: ['read:orders'] },
}

export const exchangeFile = { ...ordersFile, clients: [...ordersFile.clients, gateway, backend] }

/** The fields of a request; those of `params` count, undefined leaves one out. */
export function exchangeParams(
  token: string,
  params: Readonly<Record<string, string | readonly string[] | undefined>> = {},
): Record<string, string | readonly string[]> {
  const all = {
    grant_type: TOKEN_EXCHANGE,
    subject_token: token,
    subject_token_type: ACCESS_TOKEN,
    resource: ORDERS,
    ...params,
  }
  return Object.fromEntries(Object.entries(all).filter(entry => entry[1] !== undefined))
}

export function exchange(
  issuer: string,
  token: string,
  {
    client = gateway,
    headers,
    ...params
  }: {
    client?: FlowClient
    headers?: Record<string, string>
    [name: string]: unknown
  } = {},
): Promise<TokenResponse> {
  const sent = exchangeParams(token, params as Parameters<typeof exchangeParams>[1])
  return protocolPost(issuer, '/token', client, sent, headers)
}
