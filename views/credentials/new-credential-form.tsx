import type { ComponentChildren } from 'preact'
import { Button, ButtonLink } from '../layout/button.tsx'
import { CheckedForm, type Refused } from '../layout/checked-form.tsx'
import { Field } from '../layout/field.tsx'
import type { FormErrors } from '../layout/form-errors.ts'
import type { ScopeGroup } from '../layout/scope-list.tsx'
import { ScopePicker } from '../layout/scope-picker.tsx'
import { Select } from '../layout/select.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'
import { ExpiryField, type ExpiryRules } from './expiry-field.tsx'
import { LimitFields } from './limit-fields.tsx'
import { type MintedFrame, type MintedValues, useMintedWords, useTrail } from './minted.tsx'

export interface NewCredentialProps<Values extends MintedValues = MintedValues> {
  frame: MintedFrame
  values: Values
  errors: FormErrors
  formError?: string | undefined
  environments: string[]
  expiry: ExpiryRules
  /** what may be given now; values are `<resource> <scope>` */
  groups: ScopeGroup[]
}

export interface NewCredentialFormProps extends NewCredentialProps {
  environmentHint: string
  /** it is itself the key that a request has to show, so it is bound to no other */
  isKey?: boolean
  /** of the fields that only this kind has */
  ownLabels?: Record<string, string>
  /** the fields that only this kind has */
  children?: (field: Refused) => ComponentChildren
}

/** What every credential with scopes and limits is asked for when it is made. */
export function NewCredentialForm(props: NewCredentialFormProps) {
  const { frame, values, errors, formError, environments, expiry, groups } = props
  const words = useMintedWords(frame)
  const { layout } = usePage().messages
  const labels = {
    name: words.form.name,
    description: words.form.description,
    ...props.ownLabels,
    ...(environments.length > 1 && { env: words.form.environment }),
    scope: words.scopes,
    expires_in: words.form.expires,
    expires_at: words.form.date,
    allowed_addresses: words.form.addresses,
    rate_limit_requests: words.form.requests,
    rate_limit_seconds: words.form.per,
    ...(!props.isKey && { cnf_certificate: words.form.certificate, cnf_jkt: words.form.dpop }),
  }
  return (
    <WidePage
      title={words.newTitle}
      lead={words.lead}
      current={frame.current}
      trail={useTrail(frame)}
      hasErrors={Object.keys(errors).length > 0 || formError !== undefined}
    >
      <CheckedForm action={frame.base} labels={labels} errors={errors} formError={formError}>
        {field => (
          <>
            <Field name="name" value={values.name} hint={words.form.nameHint} {...field('name')} />
            <Field name="description" value={values.description} optional {...field('description')} />
            {props.children?.(field)}
            {environments.length > 1 ? (
              <Select
                name="env"
                value={values.env}
                options={environments.map(env => ({ value: env, label: env }))}
                hint={props.environmentHint}
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
            <LimitFields values={values} field={field} isKey={props.isKey} />
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
