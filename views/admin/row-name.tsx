import { Fragment } from 'preact'
import { Name } from '../layout/name.tsx'

export interface RowNameProps {
  name: string
  identifier: string
  organization?: string | undefined
  /** where it is looked after */
  href?: string | undefined
}

/** The first cell of a row: the name, what software calls it, and who owns it. */
export function RowName({ name, identifier, organization, href }: RowNameProps) {
  return (
    <div class="row-name">
      {href ? (
        <a class="row-title" href={href}>
          <Name>{name}</Name>
        </a>
      ) : (
        <span class="row-title">
          <Name>{name}</Name>
        </span>
      )}
      <code>{identifier}</code>
      {organization ? (
        <span class="hint">
          <Name>{organization}</Name>
        </span>
      ) : null}
    </div>
  )
}

/** Protocol values, as the protocol spells them. */
export function Codes({ values, none }: { values: string[]; none: string }) {
  if (values.length === 0) return <span class="hint">{none}</span>
  return (
    <ul class="codes">
      {values.map(value => (
        <li key={value}>
          <Code>{value}</Code>
        </li>
      ))}
    </ul>
  )
}

/** Where there is no room for it on one line, it is broken after `_`, `:` or `/`. */
export function Code({ children }: { children: string }) {
  const parts = children.split(/(?<=[_:/])(?=[^_:/])/)
  return (
    <code>
      {parts.map((part, index) => (
        <Fragment key={index}>
          {index > 0 ? <wbr /> : null}
          {part}
        </Fragment>
      ))}
    </code>
  )
}
