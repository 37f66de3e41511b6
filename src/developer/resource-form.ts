/**
 * The form of a resource. Its fields have the names of the JSON; `scope_name` and `scope_description` come as often as
 * there are rows, `scope_restricted` and `scope_self_registered` are checkboxes whose value is the number of their row, and
 * an empty `env` is any; `layers` are checkboxes, and `allowed_addresses` has one entry a line.
 */
import type { ResourceValues } from '../../views/developer/resource-form-page.tsx'
import type { ScopeRow } from '../../views/developer/scope-rows.tsx'
import { type FormErrors, formErrorsOf, linesOf } from '../http/form-errors.ts'
import type { Form } from '../http/forms.ts'
import { validationFailed } from '../http/problem.ts'
import type { Resource } from '../resources/resource.ts'
import { organizationSent } from './page-deps.ts'
import { type NewResource, newResource, type ResourceChanges, resourceChanges } from './resource-json.ts'
import { readInput } from './schema-input.ts'

const EMPTY_ROWS = 2
const NO_SCOPE: ScopeRow = { name: '', description: '', restricted: false, selfRegistered: false }

export const withEmptyRows = (rows: readonly ScopeRow[], count = EMPTY_ROWS): ScopeRow[] => [
  ...rows,
  ...Array.from({ length: count }, () => NO_SCOPE),
]

export function typedResource(form: Form): ResourceValues {
  const text = (name: string) => form.get(name) ?? ''
  const names = form.all('scope_name')
  const descriptions = form.all('scope_description')
  const restricted = form.all('scope_restricted')
  const selfRegistered = form.all('scope_self_registered')
  return {
    identifier: text('identifier'),
    name: text('name'),
    organization: text('organization'),
    token_format: text('token_format'),
    token_signing_alg: text('token_signing_alg'),
    access_token_lifetime: text('access_token_lifetime'),
    env: text('env'),
    layers: [...form.all('layers')],
    allowed_addresses: text('allowed_addresses'),
    scopes: names.map((name, index) => ({
      name: name.trim(),
      description: descriptions[index] ?? '',
      restricted: restricted.includes(String(index)),
      selfRegistered: selfRegistered.includes(String(index)),
    })),
  }
}

export function valuesOf(resource: Resource): ResourceValues {
  return {
    identifier: resource.identifier,
    name: resource.name,
    organization: resource.organizationId ?? '',
    token_format: resource.tokenFormat,
    token_signing_alg: resource.tokenSigningAlg,
    access_token_lifetime: String(resource.accessTokenLifetime),
    env: resource.env ?? '',
    layers: [...resource.layers],
    allowed_addresses: (resource.allowedAddresses ?? []).map(range => range.text).join('\n'),
    scopes: withEmptyRows(
      [...resource.scopes].map(([name, { description, restricted, selfRegistered = false }]) => ({
        name,
        description,
        restricted,
        selfRegistered,
      })),
      1,
    ),
  }
}

/** @throws Problem 400 `validation_failed` */
export function newResourceOf(form: Form): NewResource {
  const values = typedResource(form)
  return readInput(newResource, {
    identifier: values.identifier.trim(),
    ...organizationSent(form.get('organization')),
    ...settingsOf(values),
    scopes: scopesOf(values.scopes),
  })
}

/** A scope whose row is gone, or has another name now, is taken away. @throws Problem 400 `validation_failed` */
export function resourceChangesOf(form: Form, before: Resource): ResourceChanges {
  const values = typedResource(form)
  const scopes = scopesOf(values.scopes)
  const gone = [...before.scopes.keys()].filter(name => !Object.hasOwn(scopes, name))
  return readInput(resourceChanges, {
    ...settingsOf(values),
    scopes: { ...scopes, ...Object.fromEntries(gone.map(name => [name, null])) },
  })
}

function settingsOf(values: ResourceValues) {
  const addresses = linesOf(values.allowed_addresses)
  return {
    name: values.name,
    token_format: values.token_format,
    token_signing_alg: values.token_signing_alg,
    access_token_lifetime: Number(values.access_token_lifetime),
    env: values.env === '' ? null : values.env,
    layers: values.layers,
    allowed_addresses: addresses.length > 0 ? addresses : null,
  }
}

/** @throws Problem 400 for a name that is there twice, or a description without one */
function scopesOf(rows: readonly ScopeRow[]): NewResource['scopes'] {
  const filled = rows.filter(({ name, description }) => name !== '' || description.trim() !== '')
  const seen = new Set<string>()
  for (const { name, description } of filled) {
    if (name === '')
      throw validationFailed([{ path: 'scopes', message: `“${description}” needs a name for software.` }])
    if (seen.has(name))
      throw validationFailed([{ path: 'scopes', message: `“${name}” is there twice: keep one.` }])
    seen.add(name)
  }
  return Object.fromEntries(
    filled.map(({ name, description, restricted, selfRegistered }) => [
      name,
      { description, restricted, self_registered: selfRegistered },
    ]),
  )
}

/** What the page shows when it was refused. @throws what is not about fields */
export function resourceErrorsOf(error: unknown, values: ResourceValues): FormErrors {
  const items = { allowed_addresses: linesOf(values.allowed_addresses) }
  return formErrorsOf(error, { named: ['scopes'], items })
}
