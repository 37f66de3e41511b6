import type { ComponentChildren } from 'preact'
import { Document } from './document.tsx'
import { Flash } from './flash.tsx'
import { type CurrentPage, Header } from './header.tsx'
import { Trail, type TrailStep } from './trail.tsx'

export interface WidePageProps {
  /** of the document, and of the page unless `heading` says it better */
  title: string
  heading?: ComponentChildren | undefined
  lead?: ComponentChildren | undefined
  current?: CurrentPage | undefined
  /** the pages above this one */
  trail?: TrailStep[] | undefined
  hasErrors?: boolean | undefined
  /** beside the title: what one comes here to do */
  actions?: ComponentChildren | undefined
  children: ComponentChildren
}

/** The shell of pages one stays on: account, administration, home. */
export function WidePage(props: WidePageProps) {
  const { title, heading, lead, current, trail, hasErrors, actions, children } = props
  return (
    <Document title={title} hasErrors={hasErrors} layout="wide">
      <Header current={current} />
      <main id="content" tabIndex={-1}>
        <Flash />
        <div class="page-top">
          <div class="page-heading">
            {trail ? <Trail steps={trail} /> : null}
            <h1>{heading ?? title}</h1>
            {lead ? <p class="lead">{lead}</p> : null}
          </div>
          {actions ? <div class="buttons page-actions">{actions}</div> : null}
        </div>
        {children}
      </main>
    </Document>
  )
}
