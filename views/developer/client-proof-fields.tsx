import type { Refused } from '../layout/checked-form.tsx'
import { ChoiceList } from '../layout/choice-list.tsx'
import { Field } from '../layout/field.tsx'
import { Select } from '../layout/select.tsx'
import { TextArea } from '../layout/text-area.tsx'
import type { Messages } from '../messages/catalogue.ts'
import { usePage } from '../page-context.ts'
import type { ClientValues } from './client-form.tsx'

export const proofLabels = (form: Messages['clients']['form']) => ({
  jwks: form.jwks,
  certificates: form.certificates,
  certificate_name: form.certificateName,
  certificate_value: form.certificateValue,
  jwks_uri: form.jwksUri,
  token_endpoint_auth_signing_alg: form.assertionAlg,
})

export interface ProofFieldsProps {
  values: ClientValues
  algs: readonly string[]
  certificateMethods: readonly string[]
  field: Refused
}

/** As RFC 8705 calls them; the words for people are in the messages. */
const CERTIFICATE_NAMES = ['san_dns', 'san_uri', 'san_ip', 'san_email', 'subject_dn'] as const

/** How a confidential client proves who it is. What a choice needs is asked for once it is made; an old browser always asks. */
export function ProofFields({ values, algs, certificateMethods, field }: ProofFieldsProps) {
  const { form } = usePage().messages.clients
  const { token_endpoint_auth_method: method } = values
  // What has been chosen once stays to be seen.
  const isOffered = (one: string) => one === method || certificateMethods.includes(one)
  const byCertificate = [
    {
      value: 'tls_client_auth',
      label: form.byNamedCertificate,
      hint: form.byNamedCertificateHint(<code key="method">tls_client_auth</code>),
    },
    {
      value: 'self_signed_tls_client_auth',
      label: form.byOwnCertificate,
      hint: form.byOwnCertificateHint(<code key="method">self_signed_tls_client_auth</code>),
    },
  ].filter(({ value }) => isOffered(value))
  const bySecret = method === 'client_secret_post' ? method : 'client_secret_basic'
  return (
    <div class="proof">
      <ChoiceList
        name="token_endpoint_auth_method"
        legend={form.proof}
        value={method}
        options={[
          {
            value: bySecret,
            label: form.bySecret,
            hint: form.bySecretHint(<code key="method">{bySecret}</code>),
          },
          {
            value: 'private_key_jwt',
            label: form.byKey,
            hint: form.byKeyHint(<code key="method">private_key_jwt</code>),
          },
          ...byCertificate,
        ]}
      />
      {isOffered('tls_client_auth') ? (
        <div class="proof-name form">
          <Select
            name="certificate_name"
            value={values.certificate_name}
            options={CERTIFICATE_NAMES.map(name => ({
              value: `tls_client_auth_${name}`,
              label: form.certificateNames[name],
            }))}
            {...field('certificate_name')}
          />
          <Field
            name="certificate_value"
            value={values.certificate_value}
            hint={form.certificateValueHint}
            required={false}
            {...field('certificate_value')}
          />
        </div>
      ) : null}
      {isOffered('self_signed_tls_client_auth') ? (
        <div class="proof-certificates form">
          <TextArea
            name="certificates"
            value={values.certificates}
            rows={6}
            hint={form.certificatesHint}
            required={false}
            {...field('certificates')}
          />
        </div>
      ) : null}
      <div class="proof-keys form">
        <TextArea
          name="jwks"
          value={values.jwks}
          rows={6}
          hint={form.jwksHint}
          required={false}
          {...field('jwks')}
        />
      </div>
      <div class="proof-address form">
        <Field
          name="jwks_uri"
          type="url"
          value={values.jwks_uri}
          hint={form.jwksUriHint}
          required={false}
          {...field('jwks_uri')}
        />
      </div>
      <div class="proof-keys form">
        <Select
          name="token_endpoint_auth_signing_alg"
          value={values.token_endpoint_auth_signing_alg}
          options={[{ value: '', label: form.anyAlg }, ...algs.map(alg => ({ value: alg, label: alg }))]}
          hint={form.assertionAlgHint}
          {...field('token_endpoint_auth_signing_alg')}
        />
      </div>
    </div>
  )
}
