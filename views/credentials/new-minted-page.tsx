import { Button, ButtonLink } from '../layout/button.tsx'
import { CheckedForm } from '../layout/checked-form.tsx'
import { Field } from '../layout/field.tsx'
import type { FormErrors } from '../layout/form-errors.ts'
import type { ScopeGroup } from '../layout/scope-list.tsx'
import { ScopePicker } from '../layout/scope-picker.tsx'
import { Select } from '../layout/select.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'
import { ExpiryField, type ExpiryRules } from './expiry-field.tsx'
import { LimitFields } from './limit-fields.tsx'
import { type MintedFrame, useMintedWords, useTrail } from './minted.tsx'

/** As typed, under the names of the fields. */
export interface MintedValues {
  name: string
  description: string
  env: string
  /** ticked: `<resource> <scope>` */
  scope: string[]
  /** seconds, `never` or `date` */
  expires_in: string
  /** yyyy-mm-dd */
  expires_at: string
  allowed_addresses: string
  rate_limit_requests: string
  rate_limit_seconds: string
  /** PEM or a fingerprint */
  cnf_certificate: string
  cnf_jkt: string
}

export interface NewMintedPageProps {
  frame: MintedFrame
  values: MintedValues
  errors: FormErrors
  environments: string[]
  expiry: ExpiryRules
  /** what may be given now; values are `<resource> <scope>` */
  groups: ScopeGroup[]
}

export function NewMintedPage({ frame, values, errors, environments, expiry, groups }: NewMintedPageProps) {
  const words = useMintedWords(frame)
  const { layout } = usePage().messages
  const labels = {
    name: words.form.name,
    description: words.form.description,
    ...(environments.length > 1 && { env: words.form.environment }),
    scope: words.scopes,
    expires_in: words.form.expires,
    expires_at: words.form.date,
    allowed_addresses: words.form.addresses,
    rate_limit_requests: words.form.requests,
    rate_limit_seconds: words.form.per,
    cnf_certificate: words.form.certificate,
    cnf_jkt: words.form.dpop,
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
            {environments.length > 1 ? (
              <Select
                name="env"
                value={values.env}
                options={environments.map(env => ({ value: env, label: env }))}
                hint={words.form.environmentHint}
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
            <LimitFields values={values} field={field} />
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
