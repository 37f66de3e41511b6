import type { ComponentChildren } from 'preact'
import { CheckedForm } from '../layout/checked-form.tsx'
import { Field } from '../layout/field.tsx'
import type { FormErrors } from '../layout/form-errors.ts'
import type { ScopeGroup } from '../layout/scope-list.tsx'
import { ScopePicker } from '../layout/scope-picker.tsx'
import { Select } from '../layout/select.tsx'
import { TextArea } from '../layout/text-area.tsx'
import { usePage } from '../page-context.ts'
import { type ApplicationKind, comesBack, isConfidential } from './client.ts'
import { ProofFields, proofLabels } from './client-proof-fields.tsx'
import { MoreSettings, moreLabels } from './more-client-settings.tsx'

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
  token_exchange: boolean
  token_endpoint_auth_method: string
  /** '': any */
  token_endpoint_auth_signing_alg: string
  /** JSON */
  jwks: string
  jwks_uri: string
  /** PEM, with self_signed_tls_client_auth */
  certificates: string
  /** with tls_client_auth: which name of its certificate, and what it is */
  certificate_name: string
  certificate_value: string
  require_pushed_authorization_requests: boolean
  dpop_bound_access_tokens: boolean
  tls_client_certificate_bound_access_tokens: boolean
  backchannel_logout_uri: string
  backchannel_logout_session_required: boolean
  id_token_signed_response_alg: string
}

/** Algorithms to choose from, the usual one first. */
export interface ClientAlgs {
  assertion: readonly string[]
  idToken: readonly string[]
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
  algs: ClientAlgs
  /** ways to authenticate with a certificate that can succeed here; without any, certificates are not asked about */
  certificateMethods: readonly string[]
  children: ComponentChildren
}

/** The settings of a client that are anybody's to choose; the rest follows from its kind. */
export function ClientForm(props: ClientFormProps) {
  const { action, hidden, kind, values, errors, organizations, groups, algs, certificateMethods, children } =
    props
  const { form } = usePage().messages.clients
  const isService = kind === 'service'
  // Only what the page asks for: what is wrong elsewhere stands above the form.
  const labels = {
    client_name: form.name,
    ...(organizations && { organization: form.organization }),
    ...(comesBack(kind) && { redirect_uris: form.redirectUris }),
    scope: form.scopes,
    ...(isConfidential(kind) && proofLabels(form)),
    ...moreLabels(form, kind),
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
          {isConfidential(kind) ? (
            <ProofFields
              values={values}
              algs={algs.assertion}
              certificateMethods={certificateMethods}
              field={field}
            />
          ) : null}
          <MoreSettings {...props} field={field} />
          <div class="buttons">{children}</div>
        </>
      )}
    </CheckedForm>
  )
}
