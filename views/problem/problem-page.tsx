import { ButtonLink } from '../layout/button.tsx'
import { CopyButton } from '../layout/copy-button.tsx'
import { FocusedPage } from '../layout/focused-page.tsx'
import { paths } from '../layout/paths.ts'
import { safeHref } from '../layout/safe-url.ts'
import { usePage } from '../page-context.ts'

export interface ProblemPageProps {
  status: number
  /** what happened, in human words */
  title: string
  /** what the person can do */
  message: string
  /** for whoever made the application, in the standard's terms */
  detail?: string | undefined
  /** the machine's word for it, e.g. `invalid_request` */
  code?: string | undefined
  /** found in the log line too */
  requestId: string
  back?: { href: string; label?: string } | undefined
}

export function ProblemPage({ status, title, message, detail, code, requestId, back }: ProblemPageProps) {
  const words = usePage().messages.problem
  return (
    <FocusedPage id="problem" title={title} lead={message}>
      <dl class="details">
        <div>
          <dt>{words.reference}</dt>
          <dd class="copyable">
            <code id="reference" class="notranslate">
              {requestId}
            </code>
            <CopyButton of="reference" what={words.reference} />
          </dd>
        </div>
        {detail ? (
          <div>
            <dt>{words.detail}</dt>
            <dd>{detail}</dd>
          </div>
        ) : null}
        <div>
          <dt>{code ? words.code : words.status}</dt>
          <dd>
            <code id="error-code">{code ? `${status} ${code}` : status}</code>
          </dd>
        </div>
      </dl>
      <p class="hint">{words.help}</p>
      <p class="buttons">
        <ButtonLink href={back ? safeHref(back.href) : paths.home} look="secondary">
          {back?.label ?? words.home}
        </ButtonLink>
      </p>
    </FocusedPage>
  )
}
