/**
 * What a resource demands beside one good credential: that a client certificate comes together with it, that it comes from
 * certain addresses. How that is checked: credentials/layers.ts.
 */
import { z } from 'zod'
import { type AddressRange, parseAddressRange } from '../http/address-range.ts'
import type { Path } from '../http/field-errors.ts'
import { textThat } from '../http/text-schema.ts'
import type { TokenFormat } from './tables.ts'

/** The kind that every list of layers has. */
export const CERTIFICATE_LAYER = 'client-certificate'

/** Names of kinds of credential: the certificate, and those that a program presents by itself. */
export const LAYERS = [
  CERTIFICATE_LAYER,
  'access-token',
  'api-key',
  'personal-access-token',
  'signing-secret',
  'client-secret',
] as const

export type Layer = (typeof LAYERS)[number]

const MOST_RANGES = 100

const rangeMistake = (text: string) =>
  parseAddressRange(text)
    ? undefined
    : 'must be an address or a CIDR range without bits after its length, such as 192.0.2.0/24'

/** As somebody describes them. */
export const layerKeys = {
  layers: z.array(z.enum(LAYERS)).max(LAYERS.length),
  allowed_addresses: z.array(textThat(rangeMistake)).min(1).max(MOST_RANGES),
}

interface Described {
  readonly layers?: readonly string[] | undefined
  readonly allowed_addresses?: readonly string[] | null | undefined
  readonly token_format?: string | undefined
}

/**
 * The format of tokens for such a resource, unless one is given. A JWT is good to everybody who has the published keys, and
 * they see neither the certificate's registration nor, often, the address: with a demand only tokens that are asked about.
 */
export function usualTokenFormat({ layers = [], allowed_addresses: addresses }: Described): TokenFormat {
  return layers.length > 0 || addresses ? 'opaque' : 'jwt'
}

/** What the keys must have to do with each other. */
export function layerMistakes(resource: Described): { readonly key: Path; readonly message: string }[] {
  const { layers = [], token_format: format } = resource
  const isPair = layers.includes(CERTIFICATE_LAYER) && layers.some(layer => layer !== CERTIFICATE_LAYER)
  const pairMistake = {
    key: ['layers'],
    message: `must have ${CERTIFICATE_LAYER} and at least one kind that it is taken together with, or nothing`,
  }
  const formatMistake = {
    key: ['token_format'],
    message:
      'must be opaque with layers or allowed_addresses: a JWT is taken offline, where nobody sees whether they are kept',
  }
  return [
    ...(layers.length === 0 || isPair ? [] : [pairMistake]),
    ...(format === 'jwt' && usualTokenFormat(resource) === 'opaque' ? [formatMistake] : []),
  ]
}

/** @param texts without mistakes */
export const rangesFrom = (texts: readonly string[] | null | undefined): AddressRange[] | null =>
  texts ? texts.flatMap(text => parseAddressRange(text) ?? []) : null

/** Each once, in one order, whatever order they were written in. */
export const inOrder = (layers: readonly string[]): Layer[] => LAYERS.filter(layer => layers.includes(layer))

/** One good credential is not enough there. */
export const hasDemands = (resource: {
  readonly layers: readonly string[]
  readonly allowedAddresses: readonly AddressRange[] | null
}): boolean => resource.layers.length > 0 || resource.allowedAddresses !== null
