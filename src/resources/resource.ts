/**
 * The resources room: the APIs that Latchkey protects, their scopes, and the one permission model (permission.ts). It
 * issues nothing. Called by oidc, verify and admin.
 */
import { sql } from 'kysely'
import { appendChange } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { AddressRange } from '../http/address-range.ts'
import type { SigningAlg } from '../secrets/signing-alg.ts'
import { inOrder, type Layer, rangesFrom } from './resource-layers.ts'
import type { TokenFormat } from './tables.ts'

export interface ResourceScope {
  /** Shown on the consent page. */
  readonly description: string
  /** An account needs a role for it. */
  readonly restricted: boolean
  /** A client that registered itself may ask people for it, without having it in its ceiling. */
  readonly selfRegistered?: boolean | undefined
}

export interface Resource {
  /** The audience of its tokens. */
  readonly identifier: string
  readonly name: string
  readonly organizationId: string | null
  readonly tokenFormat: TokenFormat
  /** Of its JWTs; an opaque token has none. */
  readonly tokenSigningAlg: SigningAlg
  /** Seconds. */
  readonly accessTokenLifetime: number
  /** Only keys of this environment; null: of any. */
  readonly env: string | null
  /** A certificate, and the kinds that it is taken together with; empty: one credential is enough. */
  readonly layers: readonly Layer[]
  /** From where its requests come; null: anywhere. */
  readonly allowedAddresses: readonly AddressRange[] | null
  /** Our own API, see own-resource.ts. */
  readonly builtIn: boolean
  readonly scopes: ReadonlyMap<string, ResourceScope>
}

/** Reads one resource with its scopes, in one query. */
export async function findResource(db: Db | Tx, identifier: string): Promise<Resource | undefined> {
  const row = await selectResources(db).where('resource.identifier', '=', identifier).executeTakeFirst()
  return row && toResource(row)
}

/** All resources, by name. */
export async function listResources(db: Db | Tx): Promise<Resource[]> {
  const rows = await selectResources(db).orderBy('resource.name').orderBy('resource.identifier').execute()
  return rows.map(toResource)
}

/** Tells every node that what it remembers of the resource is no longer true. */
export async function changed(tx: Tx, identifier: string): Promise<void> {
  await appendChange(tx, 'resource', { identifier })
}

type ResourceRow = Awaited<ReturnType<ReturnType<typeof selectResources>['executeTakeFirstOrThrow']>>

export function selectResources(db: Db | Tx) {
  return db
    .selectFrom('resource')
    .selectAll('resource')
    .select(
      sql<{ name: string; description: string; restricted: boolean; self_registered: boolean }[] | null>`(
      SELECT jsonb_agg(jsonb_build_object('name', name, 'description', description, 'restricted', restricted,
        'self_registered', self_registered) ORDER BY name)
      FROM resource_scope WHERE resource_scope.resource = resource.identifier
    )`.as('scopes'),
    )
}

export function toResource(row: ResourceRow): Resource {
  return {
    identifier: row.identifier,
    name: row.name,
    organizationId: row.organization_id,
    tokenFormat: row.token_format,
    tokenSigningAlg: row.token_signing_alg,
    accessTokenLifetime: row.access_token_lifetime,
    env: row.env,
    layers: inOrder(row.layers),
    allowedAddresses: rangesFrom(row.allowed_addresses),
    builtIn: row.built_in,
    scopes: new Map(
      (row.scopes ?? []).map(({ name, description, restricted, self_registered: selfRegistered }) => [
        name,
        { description, restricted, ...(selfRegistered && { selfRegistered }) },
      ]),
    ),
  }
}
