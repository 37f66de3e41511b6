import type { Refused } from '../layout/checked-form.tsx'
import { Tick } from '../layout/choice-list.tsx'
import { Field } from '../layout/field.tsx'
import { Select } from '../layout/select.tsx'
import { TextArea } from '../layout/text-area.tsx'
import { TickList } from '../layout/tick-list.tsx'
import type { Messages } from '../messages/catalogue.ts'
import { usePage } from '../page-context.ts'
import { type ApplicationKind, comesBack, hearsOfLogout, isConfidential } from './client.ts'
import type { ClientFormProps, ClientValues } from './client-form.tsx'

export const moreLabels = (form: Messages['clients']['form'], kind: ApplicationKind) => ({
  ...(comesBack(kind) && { post_logout_redirect_uris: form.postLogout }),
  ...(hearsOfLogout(kind) && { backchannel_logout_uri: form.backchannelLogout }),
  ...(isConfidential(kind) && { introspect: form.introspect }),
  ...(kind !== 'service' && { id_token_signed_response_alg: form.idTokenAlg }),
})

type SectionProps = ClientFormProps & { field: Refused }

/** What most clients do without: folded away until something is in it. */
export function MoreSettings(props: SectionProps) {
  const { kind, values, servers, algs, field } = props
  const { form } = usePage().messages.clients
  const names = Object.keys(moreLabels(form, kind))
  const isOpen = isSet(values, algs.idToken) || names.some(name => field(name).error !== undefined)
  return (
    <details class="disclosure" open={isOpen}>
      <summary>{form.more}</summary>
      <div class="form">
        <SigningOut {...props} />
        <Protection {...props} />
        {kind === 'service' ? null : (
          <Select
            name="id_token_signed_response_alg"
            value={values.id_token_signed_response_alg}
            options={algs.idToken.map(alg => ({ value: alg, label: alg }))}
            hint={form.idTokenAlgHint}
            {...field('id_token_signed_response_alg')}
          />
        )}
        {isConfidential(kind) && servers.length > 0 ? (
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
        {isConfidential(kind) ? (
          <Tick
            name="token_exchange"
            checked={values.token_exchange}
            label={form.exchange}
            hint={form.exchangeHint}
          />
        ) : null}
      </div>
    </details>
  )
}

const isSet = (values: ClientValues, [usualAlg]: readonly string[]) =>
  values.post_logout_redirect_uris !== '' ||
  values.introspect.length > 0 ||
  values.token_exchange ||
  values.require_pushed_authorization_requests ||
  values.dpop_bound_access_tokens ||
  values.tls_client_certificate_bound_access_tokens ||
  values.backchannel_logout_uri !== '' ||
  values.backchannel_logout_session_required ||
  values.id_token_signed_response_alg !== usualAlg

function SigningOut({ kind, values, field }: SectionProps) {
  const { form } = usePage().messages.clients
  return (
    <>
      {comesBack(kind) ? (
        <TextArea
          name="post_logout_redirect_uris"
          value={values.post_logout_redirect_uris}
          hint={form.postLogoutHint}
          optional
          {...field('post_logout_redirect_uris')}
        />
      ) : null}
      {hearsOfLogout(kind) ? (
        <>
          <Field
            name="backchannel_logout_uri"
            type="url"
            value={values.backchannel_logout_uri}
            hint={form.backchannelLogoutHint}
            optional
            {...field('backchannel_logout_uri')}
          />
          <Tick
            name="backchannel_logout_session_required"
            checked={values.backchannel_logout_session_required}
            label={form.logoutSession}
            hint={form.logoutSessionHint}
          />
        </>
      ) : null}
    </>
  )
}

function Protection({ kind, values, certificateMethods }: SectionProps) {
  const { form } = usePage().messages.clients
  return (
    <fieldset class="choices">
      <legend>{form.protection}</legend>
      <div class="scopes">
        {comesBack(kind) ? (
          <Tick
            name="require_pushed_authorization_requests"
            checked={values.require_pushed_authorization_requests}
            label={form.pushed}
            hint={form.pushedHint}
            inList
          />
        ) : null}
        <Tick
          name="dpop_bound_access_tokens"
          checked={values.dpop_bound_access_tokens}
          label={form.dpop}
          hint={form.dpopHint}
          inList
        />
        {certificateMethods.length > 0 || values.tls_client_certificate_bound_access_tokens ? (
          <Tick
            name="tls_client_certificate_bound_access_tokens"
            checked={values.tls_client_certificate_bound_access_tokens}
            label={form.certificateBound}
            hint={form.certificateBoundHint}
            inList
          />
        ) : null}
      </div>
    </fieldset>
  )
}
