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

/** It has a server that can be told that somebody signed out. */
export const hearsOfLogout = (kind: ApplicationKind) => kind === 'web_server'

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
  /** for what else it has to do, or may rely on */
  settings: ProtocolSettings
  createdAt: Date
  scopes: ScopeGroup[]
  /** undefined for a client that has none: a public one, or one with keys or a certificate */
  secrets?: ShownSecret[] | undefined
  /** of a client that signs with its own key */
  keys?: ShownKeys | undefined
  /** of a client that shows a certificate */
  certificates?: ShownCertificates | undefined
}

export interface ProtocolSettings {
  requiresPushedRequests: boolean
  requiresDpop: boolean
  requiresCertificate: boolean
  backchannelLogoutUri?: string | undefined
  /** undefined for a client that gets none */
  idTokenAlg?: string | undefined
  isSelfRegistered: boolean
}

/** Public keys that it gave, or the address where they are. */
export interface ShownKeys {
  keys: { kid?: string | undefined; type: string }[]
  uri?: string | undefined
  /** the only algorithm it may sign with */
  alg?: string | undefined
}

/** Certificates that it gave, or the address where they are, or the name by which one is known. */
export interface ShownCertificates {
  registered: ShownCertificate[]
  uri?: string | undefined
  name?: { kind: 'san_dns' | 'san_uri' | 'san_ip' | 'san_email' | 'subject_dn'; value: string } | undefined
}

export interface ShownCertificate {
  /** x5t#S256 */
  thumbprint: string
  notAfter: Date
}

export interface ShownSecret {
  id: string
  last4: string
  createdAt: Date
  expiresAt?: Date | undefined
}

export const clientPath = (clientId: string) => `/clients/${encodeURIComponent(clientId)}`
export const certificatesPath = (clientId: string) => `${clientPath(clientId)}/certificates`
export const signingSecretsPath = (clientId: string) => `${clientPath(clientId)}/signing-secrets`
export const keysPath = (clientId: string) => `${clientPath(clientId)}/keys`
