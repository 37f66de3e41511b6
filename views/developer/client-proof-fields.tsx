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
  jwks_uri: form.jwksUri,
  token_endpoint_auth_signing_alg: form.assertionAlg,
})

export interface ProofFieldsProps {
  values: ClientValues
  algs: readonly string[]
  field: Refused
}

/** How a confidential client proves who it is. The keys are asked for once they are chosen; an old browser always asks. */
export function ProofFields({ values, algs, field }: ProofFieldsProps) {
  const { form } = usePage().messages.clients
  const { token_endpoint_auth_method: method } = values
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
        ]}
      />
      <div class="proof-keys form">
        <TextArea
          name="jwks"
          value={values.jwks}
          rows={6}
          hint={form.jwksHint}
          required={false}
          {...field('jwks')}
        />
        <Field
          name="jwks_uri"
          type="url"
          value={values.jwks_uri}
          hint={form.jwksUriHint}
          required={false}
          {...field('jwks_uri')}
        />
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
