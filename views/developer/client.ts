import type { ScopeGroup } from '../layout/scope-list.tsx'

export const applicationKinds = [
  'web_server',
  'single_page',
  'mobile',
  'command_line',
  'device',
  'service',
] as const

export type ApplicationKind = (typeof applicationKinds)[number]

/** People are sent here in a browser, and come back. */
export const comesBack = (kind: ApplicationKind) => kind !== 'service' && kind !== 'device'

/** It proves who it is, by a secret or a key. */
export const isConfidential = (kind: ApplicationKind) => kind === 'service' || kind === 'web_server'

/** A client, as the people who look after it see it. */
export interface ShownClient {
  clientId: string
  name: string
  kind: ApplicationKind
  /** undefined: the operator's own */
  organization?: string | undefined
  disabled: boolean
  grantTypes: string[]
  authMethod: string
  redirectUris: string[]
  postLogoutRedirectUris: string[]
  /** names of the resources whose server it is */
  introspect: string[]
  createdAt: Date
  scopes: ScopeGroup[]
  /** undefined for a public client */
  secrets?: ShownSecret[] | undefined
}

export interface ShownSecret {
  id: string
  last4: string
  createdAt: Date
  expiresAt?: Date | undefined
}

export const clientPath = (clientId: string) => `/clients/${encodeURIComponent(clientId)}`
export const keysPath = (clientId: string) => `${clientPath(clientId)}/keys`
