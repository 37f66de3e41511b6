/** `/resources`: the resources of the person's organizations, registering one, changing one, taking one away. */
import type { Router } from '@koa/router'
import type { ShownResource as ResourceOnPage } from '../../views/developer/resource.ts'
import { ResourceFormPage, type ResourceValues } from '../../views/developer/resource-form-page.tsx'
import { ResourceListPage } from '../../views/developer/resource-list-page.tsx'
import {
  DeleteResourcePage,
  type MetadataToPublish,
  ResourcePage,
} from '../../views/developer/resource-page.tsx'
import { paths } from '../../views/layout/paths.ts'
import { en } from '../../views/messages/en.ts'
import { type PageContext, parameter, personRoutes, queryOf, seeOther } from '../accounts/person-routes.ts'
import type { SignedIn } from '../accounts/signed-in.ts'
import type { State } from '../http/context.ts'
import type { FormErrors } from '../http/form-errors.ts'
import { notFound } from '../http/problem.ts'
import { findShownResource, listResourcesOf, type ShownResource } from '../resources/resource-list.ts'
import { SIGNING_ALGS, USUAL_SIGNING_ALG } from '../secrets/signing-alg.ts'
import {
  canHaveMetadata,
  protectedResourceMetadata,
  protectedResourceMetadataUrl,
} from '../verifier/protected-resource.ts'
import { checkReach, isAllowed, organizationsOf } from './ownership.ts'
import {
  checkCanCreate,
  type DeveloperPagesDeps,
  organizationChoices,
  organizationField,
  organizationNames,
  visits,
} from './page-deps.ts'
import { changeResource, registerResource, removeResource } from './register-resource.ts'
import {
  newResourceOf,
  resourceChangesOf,
  resourceErrorsOf,
  typedResource,
  valuesOf,
  withEmptyRows,
} from './resource-form.ts'

const ONE = `${paths.resources}/:identifier`
const PAGE_LENGTH = 50
const USUAL_LIFETIMES = [300, 900, 1800, 3600, 8 * 3600, 86_400]
const NEW_ROWS = 3

const NOTHING: ResourceValues = {
  identifier: '',
  name: '',
  organization: '',
  token_format: 'jwt',
  token_signing_alg: USUAL_SIGNING_ALG,
  access_token_lifetime: '900',
  env: '',
  layers: [],
  allowed_addresses: '',
  scopes: withEmptyRows([], NEW_ROWS),
}

export function mountResourcePages(router: Router<State>, deps: DeveloperPagesDeps): void {
  const { db, config, pages } = deps
  const { show, act, end } = personRoutes(router, deps)
  const visit = visits(deps)
  const addressOf = (ctx: PageContext) =>
    `${paths.resources}/${encodeURIComponent(parameter(ctx, 'identifier'))}`

  show(paths.resources, async (ctx, person) => {
    const { reach, canCreate, homeless } = await visit(ctx, person)
    const cursor = queryOf(ctx, 'cursor')
    const found = await listResourcesOf(db, organizationsOf(reach), { limit: PAGE_LENGTH, cursor })
    const ids = found.data.map(resource => resource.organizationId)
    const names = await organizationNames(db, ids)
    const next = found.nextCursor
    const page = (
      <ResourceListPage
        resources={found.data.map(resource => onPage(resource, names))}
        canCreate={canCreate}
        homeless={homeless}
        older={next ? `${paths.resources}?${new URLSearchParams({ cursor: next })}` : undefined}
        later={cursor !== undefined}
      />
    )
    pages.render(ctx, page, { account: person.account })
  })

  /** @throws Problem 404: there is none, or the person has no part in its organization */
  async function open(ctx: PageContext, person: SignedIn) {
    const { actor, reach } = await visit(ctx, person)
    const resource = await findShownResource(db, parameter(ctx, 'identifier'))
    checkReach(reach, resource?.organizationId, 'viewer')
    if (!resource) throw notFound()
    const canChange = !resource.builtIn && isAllowed(reach, resource.organizationId, 'developer')
    return { actor, reach, resource, canChange }
  }

  /** @throws Problem 404, 403 when the person only looks on there */
  async function openToChange(ctx: PageContext, person: SignedIn) {
    const opened = await open(ctx, person)
    checkReach(opened.reach, opened.resource.organizationId, 'developer')
    if (opened.resource.builtIn) throw notFound('The built-in resource follows the server.')
    return opened
  }

  async function showForm(
    ctx: PageContext,
    person: SignedIn,
    {
      resource,
      values,
      errors = {},
    }: { resource?: ShownResource; values: ResourceValues; errors?: FormErrors },
  ) {
    const visitor = await visit(ctx, person)
    if (!resource) checkCanCreate(visitor)
    const { reach } = visitor
    const lifetimes = new Set([...USUAL_LIFETIMES, resource?.accessTokenLifetime ?? 900])
    const page = (
      <ResourceFormPage
        resource={resource && { identifier: resource.identifier, name: resource.name }}
        values={values}
        errors={errors}
        organizations={
          resource
            ? undefined
            : organizationField(reach, await organizationChoices(db, reach), en.resources.noOne)
        }
        environments={[...config.environments]}
        signingAlgs={SIGNING_ALGS}
        lifetimes={[...lifetimes].sort((one, other) => one - other)}
      />
    )
    const status = Object.keys(errors).length > 0 ? 422 : 200
    pages.render(ctx, page, { account: person.account, status })
  }

  show(`${paths.resources}/new`, (ctx, person) => showForm(ctx, person, { values: NOTHING }))

  act(
    paths.resources,
    () => `${paths.resources}/new`,
    async (ctx, posted) => {
      const values = typedResource(posted.form)
      if (posted.form.get('more_rows') !== undefined)
        return showForm(ctx, posted, { values: { ...values, scopes: withEmptyRows(values.scopes) } })
      const visitor = await visit(ctx, posted)
      checkCanCreate(visitor)
      try {
        const { identifier } = await registerResource(deps, visitor.actor, newResourceOf(posted.form))
        seeOther(ctx, `${paths.resources}/${encodeURIComponent(identifier)}`)
      } catch (error) {
        await showForm(ctx, posted, { values, errors: resourceErrorsOf(error, values) })
      }
    },
  )

  show(ONE, async (ctx, person) => {
    const { resource, canChange } = await open(ctx, person)
    const names = await organizationNames(db, [resource.organizationId])
    const metadata = resource.builtIn ? undefined : metadataOf(resource, config.issuer)
    const page = <ResourcePage resource={onPage(resource, names)} canChange={canChange} metadata={metadata} />
    pages.render(ctx, page, { account: person.account })
  })

  show(`${ONE}/edit`, async (ctx, person) => {
    const { resource } = await openToChange(ctx, person)
    await showForm(ctx, person, { resource, values: valuesOf(resource) })
  })

  act(
    `${ONE}/edit`,
    ctx => `${addressOf(ctx)}/edit`,
    async (ctx, posted) => {
      const { resource, actor } = await openToChange(ctx, posted)
      const values = typedResource(posted.form)
      if (posted.form.get('more_rows') !== undefined)
        return showForm(ctx, posted, {
          resource,
          values: { ...values, scopes: withEmptyRows(values.scopes) },
        })
      try {
        await changeResource(deps, actor, resource.identifier, resourceChangesOf(posted.form, resource))
        seeOther(ctx, addressOf(ctx))
      } catch (error) {
        await showForm(ctx, posted, { resource, values, errors: resourceErrorsOf(error, values) })
      }
    },
  )

  show(`${ONE}/delete`, async (ctx, person) => {
    const { resource } = await openToChange(ctx, person)
    const page = <DeleteResourcePage resource={onPage(resource, new Map())} />
    pages.render(ctx, page, { account: person.account })
  })

  end(
    `${ONE}/delete`,
    ctx => `${addressOf(ctx)}/delete`,
    openToChange,
    async (ctx, posted) => {
      const { resource, actor } = await openToChange(ctx, posted)
      await removeResource(deps, actor, resource.identifier)
      seeOther(ctx, paths.resources)
    },
  )
}

/** What the API itself may publish (RFC 9728), ready to be copied. */
function metadataOf(resource: ShownResource, issuer: string): MetadataToPublish | undefined {
  const { identifier, name } = resource
  if (!canHaveMetadata(identifier)) return undefined
  // A scope that needs a role is worth asking for only for some.
  const scopes = [...resource.scopes].filter(([, scope]) => !scope.restricted).map(([scope]) => scope)
  const document = protectedResourceMetadata({
    resource: identifier,
    authorizationServers: [issuer],
    scopes,
    name,
  })
  return { address: protectedResourceMetadataUrl(identifier), document: JSON.stringify(document, null, 2) }
}

/** @param organizations names by id */
function onPage(resource: ShownResource, organizations: ReadonlyMap<string, string>): ResourceOnPage {
  const { organizationId } = resource
  return {
    identifier: resource.identifier,
    name: resource.name,
    organization: organizationId === null ? undefined : (organizations.get(organizationId) ?? organizationId),
    builtIn: resource.builtIn,
    tokenFormat: resource.tokenFormat,
    tokenSigningAlg: resource.tokenSigningAlg,
    lifetime: resource.accessTokenLifetime,
    env: resource.env ?? undefined,
    layers: resource.layers,
    allowedAddresses: resource.allowedAddresses?.map(({ text }) => text),
    createdAt: resource.createdAt,
    scopes: [...resource.scopes].map(([name, scope]) => ({ name, ...scope })),
  }
}
