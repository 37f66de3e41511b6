import { usePage } from '../page-context.ts'
import { ButtonLink } from './button.tsx'

export interface PagerProps {
  /** the list from its beginning */
  first: string
  /** the address of the next page */
  older?: string | undefined
  /** not the first page */
  later: boolean
}

/** Through a list that is longer than a page; nothing for one that is not. */
export function Pager({ first, older, later }: PagerProps) {
  const { layout } = usePage().messages
  if (!older && !later) return null
  return (
    <nav class="buttons" aria-label={layout.pager}>
      {later ? (
        <ButtonLink look="secondary" compact href={first}>
          {layout.newest}
        </ButtonLink>
      ) : null}
      {older ? (
        <ButtonLink look="secondary" compact href={older}>
          {layout.older}
        </ButtonLink>
      ) : null}
    </nav>
  )
}
