import { Button } from '../layout/button.tsx'
import { ErrorSummary, type FieldError } from '../layout/error-summary.tsx'
import { Field } from '../layout/field.tsx'
import { Form } from '../layout/form.tsx'
import type { Messages } from '../messages/catalogue.ts'
import { usePage } from '../page-context.ts'

export interface NewAccountValues {
  username: string
  name: string
  email: string
}

/**
 * By field name. An error of something that is no field here (an invitation, say) is shown above the
 * form.
 */
export type NewAccountErrors = Partial<Record<string, string>>

export interface NewAccountFormProps {
  action: string
  values: NewAccountValues
  errors: NewAccountErrors
  formError?: string | undefined
  hidden?: Record<string, string | undefined> | undefined
  button: string
}

/** The fields of a new account. Passwords are never sent back, so that one is empty again after a refusal. */
export function NewAccountForm({ action, values, errors, formError, hidden, button }: NewAccountFormProps) {
  const { messages } = usePage()
  const fields = newAccountFields(messages)
  const focused = fields.find(field => errors[field.name] !== undefined) ?? fields[0]
  return (
    <>
      <ErrorSummary formError={formError} errors={listErrors(errors, fields)} />
      <Form action={action} hidden={hidden}>
        {fields.map(field => (
          <Field
            key={field.name}
            {...field}
            value={field.name === 'password' ? undefined : values[field.name]}
            error={errors[field.name]}
            autoFocus={field === focused}
          />
        ))}
        <Button>{button}</Button>
      </Form>
    </>
  )
}

interface NewAccountField {
  name: keyof NewAccountValues | 'password'
  label: string
  autoComplete: string
  type?: 'email' | 'password' | undefined
  hint?: string | undefined
}

function newAccountFields({ fields }: Messages): NewAccountField[] {
  return [
    { name: 'name', label: fields.name, autoComplete: 'name' },
    { name: 'username', label: fields.username, autoComplete: 'username' },
    { name: 'email', label: fields.email, autoComplete: 'email', type: 'email' },
    {
      name: 'password',
      label: fields.password,
      autoComplete: 'new-password',
      type: 'password',
      hint: fields.newPasswordHint,
    },
  ]
}

function listErrors(errors: NewAccountErrors, fields: NewAccountField[]): FieldError[] {
  const listed: FieldError[] = []
  for (const field of fields) {
    const message = errors[field.name]
    if (message !== undefined) listed.push({ field, message })
  }
  for (const [name, message] of Object.entries(errors)) {
    if (message !== undefined && !fields.some(field => field.name === name)) listed.push({ message })
  }
  return listed
}
