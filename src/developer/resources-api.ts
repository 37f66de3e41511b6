/** `/v1/resources`: the resources of the caller's organizations. The identifier is percent-encoded in addresses. */
import { apiRoute } from '../credentials/api-caller.ts'
import { listOf, pageQuery } from '../http/page.ts'
import { notFound } from '../http/problem.ts'
import { findShownResource, listResourcesOf } from '../resources/resource-list.ts'
import { actorOf, type DeveloperDeps } from './change.ts'
import { checkReach, findReach, organizationsOf } from './ownership.ts'
import { changeResource, registerResource, removeResource } from './register-resource.ts'
import { newResource, resourceChanges, resourceJson, resourceObject } from './resource-json.ts'

const RESOURCE = '/v1/resources/{identifier}'

export function resourceRoutes(deps: DeveloperDeps) {
  const { db } = deps
  return [
    apiRoute({
      method: 'get',
      path: '/v1/resources',
      summary: 'The resources of your organizations, newest first',
      scope: 'resources:read',
      status: 200,
      query: pageQuery,
      response: listOf(resourceObject),
      async answer({ caller, query }) {
        const reach = await findReach(db, caller)
        const { data, nextCursor } = await listResourcesOf(db, organizationsOf(reach), query)
        return { data: data.map(resourceJson), next_cursor: nextCursor }
      },
    }),
    apiRoute({
      method: 'post',
      path: '/v1/resources',
      summary: 'Register a resource',
      scope: 'resources:write',
      status: 201,
      body: newResource,
      response: resourceObject,
      location: made => `/v1/resources/${encodeURIComponent(made.identifier)}`,
      answer: async ({ caller, ctx, body }) =>
        resourceJson(await registerResource(deps, actorOf({ caller, ctx }), body)),
    }),
    apiRoute({
      method: 'get',
      path: RESOURCE,
      summary: 'One resource',
      scope: 'resources:read',
      status: 200,
      response: resourceObject,
      async answer({ caller, param }) {
        const resource = await findShownResource(db, param('identifier'))
        checkReach(await findReach(db, caller), resource?.organizationId, 'viewer')
        if (!resource) throw notFound()
        return resourceJson(resource)
      },
    }),
    apiRoute({
      method: 'patch',
      path: RESOURCE,
      summary: 'Change a resource: what is left out stays',
      scope: 'resources:write',
      status: 200,
      body: resourceChanges,
      response: resourceObject,
      answer: async ({ caller, ctx, body, param }) =>
        resourceJson(await changeResource(deps, actorOf({ caller, ctx }), param('identifier'), body)),
    }),
    apiRoute({
      method: 'delete',
      path: RESOURCE,
      summary: 'Delete a resource: no credential is good for it any more',
      scope: 'resources:write',
      status: 204,
      revokes: true,
      async answer({ caller, ctx, param }) {
        await removeResource(deps, actorOf({ caller, ctx }), param('identifier'))
      },
    }),
  ]
}
