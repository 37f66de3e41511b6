/** Clients as the library wants them. Read only: the clients room owns them. A disabled client is not found. */
import type { AdapterPayload } from 'oidc-provider'
import type { Client } from '../../clients/client.ts'
import type { OidcDeps } from '../deps.ts'
import type { Store } from './store.ts'

/** Stands where the library wants a secret. Secrets are compared by clients/client-secret.ts, never with this. */
const SECRET_PLACEHOLDER = 'kept as a hash elsewhere, compared elsewhere'

/** Whether it proves who it is with a secret. */
export const usesSecret = ({ tokenEndpointAuthMethod: method }: Pick<Client, 'tokenEndpointAuthMethod'>) =>
  method === 'client_secret_basic' || method === 'client_secret_post'

export function toMetadata(client: Omit<Client, 'secrets' | 'disabled' | 'disabledBy'>): AdapterPayload {
  return {
    ...client.metadata,
    client_id: client.clientId,
    client_name: client.clientName,
    application_type: client.applicationType,
    redirect_uris: [...client.redirectUris],
    post_logout_redirect_uris: [...client.postLogoutRedirectUris],
    grant_types: [...client.grantTypes],
    response_types: client.grantTypes.includes('authorization_code') ? ['code'] : [],
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    ...(client.tokenEndpointAuthSigningAlg && {
      token_endpoint_auth_signing_alg: client.tokenEndpointAuthSigningAlg as 'ES256',
    }),
    ...(client.jwks && { jwks: client.jwks }),
    ...(client.jwksUri && { jwks_uri: client.jwksUri }),
    require_pushed_authorization_requests: client.requirePushedAuthorizationRequests,
    dpop_bound_access_tokens: client.dpopBoundAccessTokens,
    tls_client_certificate_bound_access_tokens: client.tlsClientCertificateBoundAccessTokens,
    ...(client.tlsClientAuth && { [client.tlsClientAuth.name]: client.tlsClientAuth.value }),
    ...(client.backchannelLogoutUri && { backchannel_logout_uri: client.backchannelLogoutUri }),
    backchannel_logout_session_required: client.backchannelLogoutSessionRequired,
    require_pkce: client.requirePkce,
    id_token_signed_response_alg: client.idTokenSignedResponseAlg,
    ...(usesSecret(client) && { client_secret: SECRET_PLACEHOLDER }),
  }
}

export function clientStore({ clients }: OidcDeps): Store {
  return {
    async find(id) {
      const client = await clients.find(id)
      return client && !client.disabled ? toMetadata(client) : undefined
    },
    upsert: () => Promise.reject(new Error('clients are created by the clients room')),
  }
}
