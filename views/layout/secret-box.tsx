import { Notice } from '../messages/notice.tsx'
import { usePage } from '../page-context.ts'
import { CopyButton } from './copy-button.tsx'

export interface SecretBoxProps {
  /** what the secret is, e.g. the name of the key */
  label: string
  secret: string
  /** a ready line that uses it */
  example?: string | undefined
  /** what that line does */
  exampleTitle?: string | undefined
  /** tells several boxes on one page apart */
  id?: string | undefined
}

/** A new secret, shown once. */
export function SecretBox({ label, secret, example, exampleTitle, id = 'secret' }: SecretBoxProps) {
  const { messages } = usePage()
  const tryIt = exampleTitle ?? messages.secret.tryIt
  return (
    <section class="card secret-box" aria-labelledby={`${id}-label`}>
      <h2 id={`${id}-label`}>
        <bdi>{label}</bdi>
      </h2>
      <Notice tone="warning">{messages.secret.once}</Notice>
      <Copyable id={id} what={label} text={secret} />
      {example === undefined ? null : (
        <>
          <h3>{tryIt}</h3>
          <Copyable id={`${id}-example`} what={tryIt} text={example} />
        </>
      )}
    </section>
  )
}

export function Copyable({ id, what, text }: { id: string; what: string; text: string }) {
  return (
    <div class="copyable">
      <code id={id} class="notranslate">
        {text}
      </code>
      <CopyButton of={id} what={what} />
    </div>
  )
}
