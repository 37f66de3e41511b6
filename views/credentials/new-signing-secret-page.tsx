import { Button, ButtonLink } from '../layout/button.tsx'
import { CheckedForm } from '../layout/checked-form.tsx'
import { ChoiceList } from '../layout/choice-list.tsx'
import { Field } from '../layout/field.tsx'
import type { FormErrors } from '../layout/form-errors.ts'
import type { ScopeGroup } from '../layout/scope-list.tsx'
import { ScopePicker } from '../layout/scope-picker.tsx'
import { Select } from '../layout/select.tsx'
import { TextArea } from '../layout/text-area.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'
import { ExpiryField, type ExpiryRules } from './expiry-field.tsx'
import { LimitFields } from './limit-fields.tsx'
import { type MintedFrame, useTrail } from './minted.tsx'
import type { MintedValues } from './new-minted-page.tsx'

/** As typed, under the names of the fields. */
export interface SigningSecretValues extends MintedValues {
  algorithm: 'hmac-sha256' | 'ed25519'
  /** PEM or a JWK */
  public_key: string
}

export interface NewSigningSecretPageProps {
  frame: MintedFrame
  values: SigningSecretValues
  errors: FormErrors
  environments: string[]
  expiry: ExpiryRules
  /** what may be given now; values are `<resource> <scope>` */
  groups: ScopeGroup[]
}

/** A secret that is made here and shown once, or the public half of a key that the client keeps. */
export function NewSigningSecretPage(props: NewSigningSecretPageProps) {
  const { frame, values, errors, environments, expiry, groups } = props
  const { signingSecrets: words, layout } = usePage().messages
  const labels = {
    name: words.form.name,
    description: words.form.description,
    public_key: words.publicKey,
    ...(environments.length > 1 && { env: words.form.environment }),
    scope: words.scopes,
    expires_in: words.form.expires,
    expires_at: words.form.date,
    allowed_addresses: words.form.addresses,
    rate_limit_requests: words.form.requests,
    rate_limit_seconds: words.form.per,
  }
  return (
    <WidePage
      title={words.newTitle}
      lead={words.lead}
      current={frame.current}
      trail={useTrail(frame)}
      hasErrors={Object.keys(errors).length > 0}
    >
      <CheckedForm action={frame.base} labels={labels} errors={errors}>
        {field => (
          <>
            <Field name="name" value={values.name} hint={words.form.nameHint} {...field('name')} />
            <Field name="description" value={values.description} optional {...field('description')} />
            <div class="signature">
              <ChoiceList
                name="algorithm"
                legend={words.which}
                value={values.algorithm}
                options={(['hmac-sha256', 'ed25519'] as const).map(value => ({
                  value,
                  label: words.algorithms[value].name,
                  hint: words.algorithms[value].hint,
                }))}
              />
              <div class="signature-key">
                <TextArea
                  name="public_key"
                  value={values.public_key}
                  rows={4}
                  hint={words.publicKeyHint}
                  required={false}
                  {...field('public_key')}
                />
              </div>
            </div>
            {environments.length > 1 ? (
              <Select
                name="env"
                value={values.env}
                options={environments.map(env => ({ value: env, label: env }))}
                hint={words.signedEnvironmentHint}
                {...field('env')}
              />
            ) : null}
            <ExpiryField values={values} rules={expiry} field={field} />
            <ScopePicker
              groups={groups}
              ticked={values.scope}
              title={words.form.scopes}
              hint={words.scopesHint}
              none={words.noScopes}
              {...field('scope')}
            />
            <LimitFields values={values} field={field} isKey />
            <div class="buttons">
              <Button>{words.create}</Button>
              <ButtonLink look="quiet" href={frame.base}>
                {layout.cancel}
              </ButtonLink>
            </div>
          </>
        )}
      </CheckedForm>
    </WidePage>
  )
}
