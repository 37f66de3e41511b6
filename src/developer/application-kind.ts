/**
 * What an application is, in the words of those who write one, and the settings that follow from it (RFC 8252, RFC 9700).
 * The kind is not stored: it can be told from the settings.
 */
import { DEVICE_CODE, type GRANT_TYPES } from '../clients/client-schema.ts'
import type { ApplicationType, TokenEndpointAuthMethod } from '../clients/tables.ts'

export const APPLICATION_KINDS = [
  'web_server',
  'single_page',
  'mobile',
  'command_line',
  'device',
  'service',
] as const

export type ApplicationKind = (typeof APPLICATION_KINDS)[number]

export interface KindSettings {
  readonly application_type: ApplicationType
  readonly grant_types: (typeof GRANT_TYPES)[number][]
  readonly token_endpoint_auth_method: TokenEndpointAuthMethod
}

const SIGNS_PEOPLE_IN = ['authorization_code', 'refresh_token'] as const

/** PKCE is for all of them; `none`: users can read everything the application has, so it can keep no secret. */
export const SETTINGS_OF_KIND: Readonly<Record<ApplicationKind, KindSettings>> = {
  /** Keeps a secret on its server. */
  web_server: {
    application_type: 'web',
    grant_types: [...SIGNS_PEOPLE_IN],
    token_endpoint_auth_method: 'client_secret_basic',
  },
  /** Runs in a browser, at an https address. */
  single_page: {
    application_type: 'web',
    grant_types: [...SIGNS_PEOPLE_IN],
    token_endpoint_auth_method: 'none',
  },
  /** Gets its redirect at a scheme of its own, or an https address that the system hands to it. */
  mobile: {
    application_type: 'native',
    grant_types: [...SIGNS_PEOPLE_IN],
    token_endpoint_auth_method: 'none',
  },
  /** Gets its redirect at a loopback address, whatever the port. */
  command_line: {
    application_type: 'native',
    grant_types: [...SIGNS_PEOPLE_IN],
    token_endpoint_auth_method: 'none',
  },
  /** Has no browser, or no good keyboard: people allow it on their phone (RFC 8628). */
  device: {
    application_type: 'native',
    grant_types: [DEVICE_CODE, 'refresh_token'],
    token_endpoint_auth_method: 'none',
  },
  /** Acts for itself, without a person. */
  service: {
    application_type: 'web',
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'client_secret_basic',
  },
}

export function applicationKindOf(client: {
  readonly applicationType: ApplicationType
  readonly grantTypes: readonly string[]
  readonly tokenEndpointAuthMethod: string
  readonly redirectUris: readonly string[]
}): ApplicationKind {
  if (!client.grantTypes.includes('authorization_code'))
    return client.grantTypes.includes(DEVICE_CODE) ? 'device' : 'service'
  const isLoopback = (uri: string) => /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/?]|$)/.test(uri)
  if (client.applicationType === 'native')
    return client.redirectUris.every(isLoopback) ? 'command_line' : 'mobile'
  return client.tokenEndpointAuthMethod === 'none' ? 'single_page' : 'web_server'
}
