import type { ComponentChildren } from 'preact'
import { Document } from './document.tsx'
import { Flash } from './flash.tsx'
import { LogoLink } from './logo.tsx'

export interface FocusedPageProps {
  /** as of `Document` */
  id?: string | undefined
  title: string
  heading?: ComponentChildren | undefined
  lead?: ComponentChildren | undefined
  /** above the heading: whose request this is */
  mark?: ComponentChildren | undefined
  hasErrors?: boolean | undefined
  /** below the card: the other way */
  aside?: ComponentChildren | undefined
  children: ComponentChildren
}

/** The shell of pages that ask for one thing: one card, no navigation. */
export function FocusedPage({
  id,
  title,
  heading,
  lead,
  mark,
  hasErrors,
  aside,
  children,
}: FocusedPageProps) {
  return (
    <Document id={id} title={title} hasErrors={hasErrors} layout="focused">
      <header class="focused-header">
        <LogoLink />
      </header>
      <main id="content" tabIndex={-1}>
        <Flash />
        <div class="card focused-card">
          <div class="card-heading">
            {mark}
            <h1>{heading ?? title}</h1>
            {lead ? <p class="lead">{lead}</p> : null}
          </div>
          {children}
        </div>
        {aside ? <p class="aside">{aside}</p> : null}
      </main>
    </Document>
  )
}
