import { Button, ButtonLink } from '../layout/button.tsx'
import { CheckedForm, type Refused } from '../layout/checked-form.tsx'
import { ChoiceList } from '../layout/choice-list.tsx'
import { Field } from '../layout/field.tsx'
import type { FormErrors } from '../layout/form-errors.ts'
import { paths } from '../layout/paths.ts'
import { Select } from '../layout/select.tsx'
import { TextArea } from '../layout/text-area.tsx'
import { TickList } from '../layout/tick-list.tsx'
import type { TrailStep } from '../layout/trail.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'
import { resourcePath } from './resource.ts'
import { type ScopeRow, ScopeRows } from './scope-rows.tsx'

/** As typed, under the names of the fields. */
export interface ResourceValues {
  identifier: string
  name: string
  organization: string
  token_format: string
  token_signing_alg: string
  /** seconds */
  access_token_lifetime: string
  /** empty: any */
  env: string
  layers: string[]
  /** one a line */
  allowed_addresses: string
  scopes: ScopeRow[]
}

export interface ResourceFormPageProps {
  /** the one that is edited; undefined: a new one */
  resource?: { identifier: string; name: string } | undefined
  values: ResourceValues
  errors: FormErrors
  /** to choose from; undefined: it is decided */
  organizations?: { id: string; name: string }[] | undefined
  environments: string[]
  /** to choose from, the usual one first */
  signingAlgs: readonly string[]
  /** seconds to choose from */
  lifetimes: number[]
}

export function ResourceFormPage(props: ResourceFormPageProps) {
  const { resource, values, errors, organizations, environments, signingAlgs, lifetimes } = props
  const { resources: words, layout } = usePage().messages
  const { form } = words
  // Only what the page asks for: what is wrong elsewhere stands above the form.
  const labels = {
    ...(!resource && { identifier: form.identifier }),
    name: form.name,
    ...(organizations && { organization: form.organization }),
    token_format: form.tokenFormat,
    token_signing_alg: form.tokenSigningAlg,
    access_token_lifetime: form.lifetime,
    env: form.environment,
    layers: form.layers,
    allowed_addresses: form.addresses,
    scopes: form.scopes,
  }
  const back = resource ? resourcePath(resource.identifier) : paths.resources
  const trail: TrailStep[] = [{ href: paths.resources, label: words.title }]
  if (resource) trail.push({ href: back, label: resource.name })
  return (
    <WidePage
      title={resource ? words.editTitle : words.newTitle}
      lead={resource ? <code>{resource.identifier}</code> : words.newLead}
      current="resources"
      trail={trail}
      hasErrors={Object.keys(errors).length > 0}
    >
      <CheckedForm action={resource ? `${back}/edit` : paths.resources} labels={labels} errors={errors}>
        {field => (
          <>
            {/* The Enter key presses the first button of a form: not the one for more rows. */}
            <button type="submit" class="visually-hidden" tabIndex={-1} aria-hidden="true" />
            {resource ? null : (
              <Field
                name="identifier"
                type="url"
                value={values.identifier}
                hint={form.identifierHint}
                {...field('identifier')}
              />
            )}
            <Field name="name" value={values.name} hint={form.nameHint} {...field('name')} />
            {organizations ? (
              <Select
                name="organization"
                value={values.organization}
                options={organizations.map(({ id, name }) => ({ value: id, label: name }))}
                hint={form.organizationHint}
                {...field('organization')}
              />
            ) : null}
            <ChoiceList
              name="token_format"
              legend={form.tokenFormat}
              value={values.token_format}
              error={field('token_format').error}
              options={[
                { value: 'jwt', label: form.jwt, hint: form.jwtHint },
                { value: 'opaque', label: form.opaque, hint: form.opaqueHint },
              ]}
            />
            <Select
              name="token_signing_alg"
              value={values.token_signing_alg}
              options={signingAlgs.map(alg => ({ value: alg, label: alg }))}
              hint={form.tokenSigningAlgHint}
              {...field('token_signing_alg')}
            />
            <Select
              name="access_token_lifetime"
              value={values.access_token_lifetime}
              options={lifetimes.map(seconds => ({ value: String(seconds), label: words.span(seconds) }))}
              {...field('access_token_lifetime')}
            />
            <Select
              name="env"
              value={values.env}
              options={[
                { value: '', label: form.anyEnvironment },
                ...environments.map(env => ({ value: env, label: env })),
              ]}
              hint={form.environmentHint}
              {...field('env')}
            />
            <Demands values={values} field={field} />
            <ScopeRows rows={values.scopes} error={field('scopes').error} />
            <div class="buttons">
              <Button>{resource ? layout.save : form.button}</Button>
              <ButtonLink look="quiet" href={back}>
                {layout.cancel}
              </ButtonLink>
            </div>
          </>
        )}
      </CheckedForm>
    </WidePage>
  )
}

/** What most resources do without: folded away until something is in it. */
function Demands({ values, field }: { values: ResourceValues; field: Refused }) {
  const { form, layerKinds } = usePage().messages.resources
  const isOpen =
    values.layers.length > 0 ||
    values.allowed_addresses !== '' ||
    ['layers', 'allowed_addresses'].some(name => field(name).error !== undefined)
  return (
    <details class="disclosure" open={isOpen}>
      <summary>{form.demands}</summary>
      <div class="form">
        <TickList
          name="layers"
          hint={form.layersHint}
          ticked={values.layers}
          options={Object.entries(layerKinds).map(([value, label]) => ({ value, label }))}
          {...field('layers')}
        />
        <TextArea
          name="allowed_addresses"
          value={values.allowed_addresses}
          hint={form.addressesHint}
          optional
          {...field('allowed_addresses')}
        />
      </div>
    </details>
  )
}
