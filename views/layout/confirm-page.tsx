import type { ComponentChildren } from 'preact'
import { Button, ButtonLink } from './button.tsx'
import { FocusedPage } from './focused-page.tsx'
import { Form } from './form.tsx'

export interface ConfirmPageProps {
  title: string
  heading?: ComponentChildren | undefined
  action: string
  hidden?: Record<string, string | undefined> | undefined
  button: string
  /** the way out */
  cancel: { href: string; label: string }
  /** what breaks */
  children: ComponentChildren
}

/** Before something ends: names it, says what breaks, and asks once. */
export function ConfirmPage({ title, heading, action, hidden, button, cancel, children }: ConfirmPageProps) {
  return (
    <FocusedPage title={title} heading={heading}>
      {children}
      <Form action={action} hidden={hidden}>
        <div class="buttons buttons-equal">
          <Button look="danger">{button}</Button>
          <ButtonLink look="secondary" href={cancel.href}>
            {cancel.label}
          </ButtonLink>
        </div>
      </Form>
    </FocusedPage>
  )
}
