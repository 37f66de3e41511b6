import type { Messages } from '../messages/catalogue.ts'

export type LayerKind = keyof Messages['resources']['layerKinds']

/** A resource, as the people who look after it see it. */
export interface ShownResource {
  identifier: string
  name: string
  /** undefined: the operator's own */
  organization?: string | undefined
  builtIn: boolean
  tokenFormat: 'jwt' | 'opaque'
  /** as in the header of its JWTs: ES256 */
  tokenSigningAlg: string
  /** seconds */
  lifetime: number
  /** undefined: any */
  env?: string | undefined
  /** names of kinds; empty: one credential is enough */
  layers: readonly LayerKind[]
  /** undefined: anywhere */
  allowedAddresses?: string[] | undefined
  createdAt: Date
  scopes: { name: string; description: string; restricted: boolean; selfRegistered?: boolean | undefined }[]
}

export const resourcePath = (identifier: string) => `/resources/${encodeURIComponent(identifier)}`
