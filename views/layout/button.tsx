import type { ComponentChildren } from 'preact'

type Look = 'primary' | 'secondary' | 'quiet' | 'danger'

interface Appearance {
  look?: Look | undefined
  compact?: boolean | undefined
  children: ComponentChildren
}

export interface ButtonProps extends Appearance {
  id?: string | undefined
  name?: string | undefined
  value?: string | undefined
}

/** A button that sends its form. */
export function Button({ look = 'primary', compact, id, name, value, children }: ButtonProps) {
  return (
    <button type="submit" id={id} class={classes(look, compact)} name={name} value={value}>
      {children}
    </button>
  )
}

/** A link that looks like a button: it leads somewhere and changes nothing. */
export function ButtonLink({
  look = 'primary',
  compact,
  id,
  href,
  children,
}: Appearance & { id?: string | undefined; href: string }) {
  return (
    <a id={id} class={classes(look, compact)} href={href}>
      {children}
    </a>
  )
}

function classes(look: Look, compact: boolean | undefined): string {
  return `button button-${look}${compact ? ' button-compact' : ''}`
}
