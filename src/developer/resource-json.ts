/** A resource on the wire: what is sent to register or change one, and what is answered. Lifetimes are in seconds. */
import { z } from 'zod'
import { shownText } from '../accounts/shown-text.ts'
import { textThat } from '../http/text-schema.ts'
import { LAYERS, layerKeys } from '../resources/resource-layers.ts'
import type { ShownResource } from '../resources/resource-list.ts'
import { MAX_ACCESS_TOKEN_LIFETIME, resourceKeys } from '../resources/resource-schema.ts'
import { scopeNameMistake } from '../resources/scope.ts'
import { SIGNING_ALGS, USUAL_SIGNING_ALG } from '../secrets/signing-alg.ts'

const OPEN = 'Clients that registered themselves may ask people for it, whatever their ceiling'

const scope = z.strictObject({
  description: shownText,
  restricted: z.boolean().default(false).describe('An account needs a role for it'),
  self_registered: z.boolean().default(false).describe(OPEN),
})

const scopeChange = scope.extend({
  restricted: z.boolean().optional().describe('An account needs a role for it. Left out it stays as it is'),
  self_registered: z.boolean().optional().describe(`${OPEN}. Left out it stays as it is`),
})

const lifetime = z.int().min(1).max(MAX_ACCESS_TOKEN_LIFETIME)
const env = z.string().nullable().describe('Only keys of this environment; null: of any')
const layers = layerKeys.layers.describe(
  'A certificate and the kinds of credential that it is taken together with; empty: one credential is enough',
)
const addresses = layerKeys.allowed_addresses
  .nullable()
  .describe('Addresses and CIDR ranges that its requests come from; null: anywhere')

export const newResource = z
  .strictObject({
    identifier: resourceKeys.identifier.describe('The audience of its tokens: an absolute URI'),
    name: resourceKeys.name,
    organization: z
      .string()
      .nullable()
      .optional()
      .describe('Needed when the caller acts on several organizations'),
    token_format: resourceKeys.token_format
      .optional()
      .describe('jwt unless given; with layers or allowed_addresses opaque'),
    token_signing_alg: resourceKeys.token_signing_alg.default(USUAL_SIGNING_ALG).describe('Of its JWTs'),
    access_token_lifetime: lifetime.default(900),
    env: env.default(null),
    layers: layers.default([]),
    allowed_addresses: addresses.default(null),
    scopes: z.record(textThat(scopeNameMistake), scope).default({}),
  })
  .meta({ id: 'NewResource' })

export const resourceChanges = z
  .strictObject({
    name: resourceKeys.name.optional(),
    token_format: resourceKeys.token_format.optional(),
    token_signing_alg: resourceKeys.token_signing_alg
      .optional()
      .describe('Of its JWTs from now on: those signed before stay good'),
    access_token_lifetime: lifetime.optional(),
    env: env.optional(),
    layers: layers.optional(),
    allowed_addresses: addresses.optional(),
    scopes: z
      .record(textThat(scopeNameMistake), scopeChange.nullable())
      .optional()
      .describe('Added or changed; null takes one away, from clients and roles too; others stay'),
  })
  .meta({ id: 'ResourceChanges' })

export type NewResource = z.output<typeof newResource>
export type ResourceChanges = z.output<typeof resourceChanges>

export const resourceObject = z
  .strictObject({
    identifier: z.string(),
    name: z.string(),
    organization: z.string().nullable(),
    built_in: z.boolean(),
    token_format: z.enum(['jwt', 'opaque']),
    token_signing_alg: z.enum(SIGNING_ALGS),
    access_token_lifetime: z.int(),
    env: z.string().nullable(),
    layers: z.array(z.enum(LAYERS)),
    allowed_addresses: z.array(z.string()).nullable(),
    scopes: z.record(
      z.string(),
      z.strictObject({
        description: z.string(),
        restricted: z.boolean(),
        self_registered: z.literal(true).optional(),
      }),
    ),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Resource' })

export function resourceJson(resource: ShownResource): z.input<typeof resourceObject> {
  return {
    identifier: resource.identifier,
    name: resource.name,
    organization: resource.organizationId,
    built_in: resource.builtIn,
    token_format: resource.tokenFormat,
    token_signing_alg: resource.tokenSigningAlg,
    access_token_lifetime: resource.accessTokenLifetime,
    env: resource.env,
    layers: [...resource.layers],
    allowed_addresses: resource.allowedAddresses?.map(({ text }) => text) ?? null,
    scopes: Object.fromEntries(
      [...resource.scopes].map(([name, { description, restricted, selfRegistered }]) => [
        name,
        { description, restricted, ...(selfRegistered && { self_registered: true }) },
      ]),
    ),
    created_at: resource.createdAt.toISOString(),
    updated_at: resource.updatedAt.toISOString(),
  }
}
