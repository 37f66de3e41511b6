import type { ComponentChildren } from 'preact'
import { CheckedForm, type Refused } from '../layout/checked-form.tsx'
import { Field } from '../layout/field.tsx'
import type { FormErrors } from '../layout/form-errors.ts'
import type { ScopeGroup } from '../layout/scope-list.tsx'
import { ScopePicker } from '../layout/scope-picker.tsx'
import { Select } from '../layout/select.tsx'
import { TextArea } from '../layout/text-area.tsx'
import { TickList } from '../layout/tick-list.tsx'
import { usePage } from '../page-context.ts'
import { type ApplicationKind, comesBack, isConfidential } from './client.ts'

/** As typed, under the names of the fields. */
export interface ClientValues {
  client_name: string
  organization: string
  /** one a line */
  redirect_uris: string
  /** one a line */
  post_logout_redirect_uris: string
  /** ticked: `<resource> <scope>` */
  scope: string[]
  /** identifiers of resources */
  introspect: string[]
}

export interface ClientFormProps {
  action: string
  hidden?: Record<string, string> | undefined
  kind: ApplicationKind
  values: ClientValues
  errors: FormErrors
  /** to choose from; undefined: it is decided */
  organizations?: { id: string; name: string }[] | undefined
  groups: ScopeGroup[]
  /** whose server it may be */
  servers: { identifier: string; name: string }[]
  children: ComponentChildren
}

/** The settings of a client that are anybody's to choose; the rest follows from its kind. */
export function ClientForm(props: ClientFormProps) {
  const { action, hidden, kind, values, errors, organizations, groups, children } = props
  const { form } = usePage().messages.clients
  const isService = kind === 'service'
  // Only what the page asks for: what is wrong elsewhere stands above the form.
  const labels = {
    client_name: form.name,
    ...(organizations && { organization: form.organization }),
    ...(comesBack(kind) && { redirect_uris: form.redirectUris }),
    scope: form.scopes,
    ...(comesBack(kind) && { post_logout_redirect_uris: form.postLogout }),
    ...(isConfidential(kind) && { introspect: form.introspect }),
  }
  return (
    <CheckedForm action={action} hidden={hidden} labels={labels} errors={errors}>
      {field => (
        <>
          <Field
            name="client_name"
            value={values.client_name}
            hint={isService ? form.nameHintService : form.nameHint}
            {...field('client_name')}
          />
          {organizations ? (
            <Select
              name="organization"
              value={values.organization}
              options={organizations.map(({ id, name }) => ({ value: id, label: name }))}
              hint={form.organizationHint}
              {...field('organization')}
            />
          ) : null}
          {comesBack(kind) ? (
            <TextArea
              name="redirect_uris"
              value={values.redirect_uris}
              hint={form.redirectHints[kind]}
              {...field('redirect_uris')}
            />
          ) : null}
          <ScopePicker
            groups={groups}
            ticked={values.scope}
            title={form.scopesTitle}
            hint={form.scopesHint}
            none={form.noScopes}
            {...field('scope')}
          />
          <MoreSettings {...props} field={field} />
          <div class="buttons">{children}</div>
        </>
      )}
    </CheckedForm>
  )
}

/** What most clients do without: folded away until something is in it. */
function MoreSettings({ kind, values, servers, field }: ClientFormProps & { field: Refused }) {
  const { form } = usePage().messages.clients
  const signsPeopleIn = comesBack(kind)
  const offersServers = isConfidential(kind) && servers.length > 0
  if (!signsPeopleIn && !offersServers) return null
  const isOpen =
    values.post_logout_redirect_uris !== '' ||
    values.introspect.length > 0 ||
    field('post_logout_redirect_uris').error !== undefined ||
    field('introspect').error !== undefined
  return (
    <details class="disclosure" open={isOpen}>
      <summary>{form.more}</summary>
      <div class="form">
        {signsPeopleIn ? (
          <TextArea
            name="post_logout_redirect_uris"
            value={values.post_logout_redirect_uris}
            hint={form.postLogoutHint}
            optional
            {...field('post_logout_redirect_uris')}
          />
        ) : null}
        {offersServers ? (
          <TickList
            name="introspect"
            hint={form.introspectHint}
            ticked={values.introspect}
            options={servers.map(({ identifier, name }) => ({
              value: identifier,
              label: name,
              hint: identifier,
            }))}
            {...field('introspect')}
          />
        ) : null}
      </div>
    </details>
  )
}
