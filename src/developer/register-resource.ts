/** Registering a resource, changing one, and taking one away: by JSON and at the pages alike. */
import { removeFromCredentials } from '../credentials/resource-in-credentials.ts'
import type { Tx } from '../db/connect.ts'
import { formatPath } from '../http/field-errors.ts'
import { notFound, Problem, validationFailed } from '../http/problem.ts'
import { findResource, type Resource } from '../resources/resource.ts'
import { inOrder, layerMistakes, rangesFrom, usualTokenFormat } from '../resources/resource-layers.ts'
import {
  createResource,
  deleteResource,
  lockResource,
  removeScopes,
} from '../resources/resource-life-cycle.ts'
import { findShownResource, type ShownResource } from '../resources/resource-list.ts'
import { type DescribedResource, upsertResource } from '../resources/upsert-resource.ts'
import { type Actor, change, type DeveloperDeps, recordChange } from './change.ts'
import { organizationFor } from './organization-choice.ts'
import { checkReach, findReach } from './ownership.ts'
import type { NewResource, ResourceChanges } from './resource-json.ts'

/** @throws Problem 400 `validation_failed`, 403, 409 when the identifier is taken, by whomever */
export async function registerResource(
  deps: DeveloperDeps,
  actor: Actor,
  sent: NewResource,
): Promise<ShownResource> {
  return change(deps, async tx => {
    const reach = await findReach(tx, actor.identity)
    const organizationId = await organizationFor(tx, reach, sent.organization)
    refuseOwnOrigin(deps, sent.identifier)
    refuseUnknownEnv(deps, sent.env)
    refuseLayers(sent)
    const made = await createResource(tx, {
      identifier: sent.identifier,
      name: sent.name,
      organizationId,
      tokenFormat: sent.token_format ?? usualTokenFormat(sent),
      tokenSigningAlg: sent.token_signing_alg,
      accessTokenLifetime: sent.access_token_lifetime,
      env: sent.env,
      layers: inOrder(sent.layers),
      allowedAddresses: rangesFrom(sent.allowed_addresses),
      scopes: new Map(
        Object.entries(sent.scopes).map(([name, { self_registered: selfRegistered, ...scope }]) => [
          name,
          { ...scope, selfRegistered },
        ]),
      ),
    })
    if (!made) throw identifierTaken()
    await record(tx, deps, actor, 'resource_registered', { identifier: sent.identifier, organizationId })
    return getShownResource(tx, sent.identifier)
  })
}

/** Keys that are left out stay as they are. @throws Problem 404, 403, 400 `validation_failed` */
export async function changeResource(
  deps: DeveloperDeps,
  actor: Actor,
  identifier: string,
  sent: ResourceChanges,
): Promise<ShownResource> {
  return change(deps, async tx => {
    await lockResource(tx, identifier)
    const before = await getOwnResource(tx, actor, identifier)
    if (sent.env !== undefined) refuseUnknownEnv(deps, sent.env)
    const scopes = new Map(before.scopes)
    const gone: string[] = []
    for (const [name, scope] of Object.entries(sent.scopes ?? {})) {
      if (scope)
        scopes.set(name, {
          description: scope.description,
          restricted: scope.restricted ?? before.scopes.get(name)?.restricted ?? false,
          selfRegistered: scope.self_registered ?? before.scopes.get(name)?.selfRegistered,
        })
      else if (scopes.delete(name)) gone.push(name)
    }
    const described: DescribedResource = {
      ...before,
      name: sent.name ?? before.name,
      tokenFormat: sent.token_format ?? before.tokenFormat,
      tokenSigningAlg: sent.token_signing_alg ?? before.tokenSigningAlg,
      accessTokenLifetime: sent.access_token_lifetime ?? before.accessTokenLifetime,
      env: sent.env === undefined ? before.env : sent.env,
      layers: sent.layers ? inOrder(sent.layers) : before.layers,
      allowedAddresses:
        sent.allowed_addresses === undefined ? before.allowedAddresses : rangesFrom(sent.allowed_addresses),
      scopes,
    }
    refuseLayers({
      layers: described.layers,
      allowed_addresses: described.allowedAddresses && [],
      token_format: described.tokenFormat,
    })
    const { changed } = await upsertResource(tx, described)
    const removed = await removeScopes(tx, identifier, gone)
    if (changed || removed)
      await record(tx, deps, actor, 'resource_changed', before, {
        changed: Object.keys(sent),
        ...(gone.length > 0 && { removed_scopes: gone }),
      })
    return getShownResource(tx, identifier)
  })
}

/** @throws Problem 404, 403 */
export async function removeResource(deps: DeveloperDeps, actor: Actor, identifier: string): Promise<void> {
  await change(deps, async tx => {
    await lockResource(tx, identifier)
    const resource = await getOwnResource(tx, actor, identifier)
    await deleteResource(tx, identifier)
    await removeFromCredentials(tx, identifier)
    await record(tx, deps, actor, 'resource_deleted', resource, { name: resource.name })
  })
}

/** A resource that the caller may change; never the built-in one. */
async function getOwnResource(tx: Tx, { identity }: Actor, identifier: string): Promise<Resource> {
  const reach = await findReach(tx, identity)
  const resource = await findResource(tx, identifier)
  checkReach(reach, resource?.organizationId, 'developer')
  if (!resource) throw notFound()
  if (resource.builtIn) throw new Problem(409, 'conflict', 'The built-in resource follows the server.')
  return resource
}

async function getShownResource(tx: Tx, identifier: string): Promise<ShownResource> {
  const resource = await findShownResource(tx, identifier)
  if (!resource) throw notFound()
  return resource
}

const identifierTaken = () =>
  new Problem(409, 'conflict', 'The identifier is taken.', undefined, {
    errors: [{ path: 'identifier', message: 'is taken: a resource of this address exists' }],
  })

/** What is at the issuer's own origin is ours: a token for it must not look like one for us. */
function refuseOwnOrigin({ config }: DeveloperDeps, identifier: string): void {
  if (URL.parse(identifier)?.origin === config.issuer)
    throw validationFailed([
      { path: 'identifier', message: 'is an address of this server: use one of yours' },
    ])
}

function refuseUnknownEnv({ config }: DeveloperDeps, env: string | null): void {
  if (env === null || config.environments.includes(env)) return
  const message = `must be one of ${config.environments.join(', ')}, or null`
  throw validationFailed([{ path: 'env', message }])
}

function refuseLayers(resource: Parameters<typeof layerMistakes>[0]): void {
  const mistakes = layerMistakes(resource)
  if (mistakes.length > 0)
    throw validationFailed(mistakes.map(({ key, message }) => ({ path: formatPath(key), message })))
}

async function record(
  tx: Tx,
  { audit }: DeveloperDeps,
  actor: Actor,
  type: string,
  { identifier, organizationId }: Pick<Resource, 'identifier' | 'organizationId'>,
  detail?: Record<string, unknown>,
): Promise<void> {
  const subject = { type: 'resource', id: identifier }
  await recordChange(tx, audit, actor, { type, subject, organizationId, ...(detail && { detail }) })
}
