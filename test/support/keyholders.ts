// Clients that prove who they are with keys: no secret, requests that are pushed, tokens bound to a key.
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { ORDERS, STOCK } from './orders.ts'

export interface ClientKey {
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

export async function clientKey(alg: string): Promise<ClientKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid: `${alg}-1`, alg, use: 'sig' } }
}

export const KEYHOLDER_CALLBACK = 'http://127.0.0.1:8090/callback'

/** A web application with everything on: signs its assertions, must push its requests, has bound tokens only. */
export const careful = ({ publicJwk }: ClientKey) => ({
  client_id: 'careful',
  client_name: 'Careful',
  redirect_uris: [KEYHOLDER_CALLBACK],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [publicJwk] },
  require_pushed_authorization_requests: true,
  dpop_bound_access_tokens: true,
  resource_scopes: { [ORDERS]: ['read:orders', 'write:orders'] },
})

/** Runs in browsers, so it has no secret and no key of its own; what it gets is bound to a key of the browser's. */
export const inBrowsers = {
  client_id: 'in-browsers',
  client_name: 'In browsers',
  redirect_uris: ['http://127.0.0.1:8091/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
  resource_scopes: { [STOCK]: ['read:stock'] },
}

/** A service that signs its assertions. */
export const signingService = ({ publicJwk }: ClientKey) => ({
  client_id: 'signing-service',
  grant_types: ['client_credentials'],
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [publicJwk] },
  resource_scopes: { [ORDERS]: ['read:orders'] },
})
