/**
 * The form of a client. Its fields have the names of RFC 7591; where a form needs other values: URIs one a line, and
 * `scope` is a checkbox with the value `<resource> <scope>`.
 */
import { comesBack, isConfidential } from '../../views/developer/client.ts'
import type { ClientValues } from '../../views/developer/client-form.tsx'
import type { ShownClient } from '../clients/client-list.ts'
import { scopesOf } from '../credentials/minted-form.ts'
import { type FormErrors, formErrorsOf, linesOf } from '../http/form-errors.ts'
import type { Form } from '../http/forms.ts'
import type { ApplicationKind } from './application-kind.ts'
import { type ClientChanges, clientChanges, type NewClient, newClient } from './client-input.ts'
import { organizationSent } from './page-deps.ts'
import { readInput } from './schema-input.ts'

export function typedClient(form: Form): ClientValues {
  const text = (name: string) => form.get(name) ?? ''
  return {
    client_name: text('client_name'),
    organization: text('organization'),
    redirect_uris: text('redirect_uris'),
    post_logout_redirect_uris: text('post_logout_redirect_uris'),
    scope: form.all('scope'),
    introspect: form.all('introspect'),
  }
}

export function valuesOf(client: ShownClient): ClientValues {
  return {
    client_name: client.clientName,
    organization: client.organizationId ?? '',
    redirect_uris: client.redirectUris.join('\n'),
    post_logout_redirect_uris: client.postLogoutRedirectUris.join('\n'),
    scope: [...client.ceiling].flatMap(([resource, names]) => [...names].map(name => `${resource} ${name}`)),
    introspect: [...client.introspect],
  }
}

/** @throws Problem 400 `validation_failed` */
export function newClientOf(form: Form, kind: ApplicationKind): NewClient {
  return readInput(newClient, {
    application_kind: kind,
    ...organizationSent(form.get('organization')),
    ...settingsOf(typedClient(form), kind),
  })
}

/** @throws Problem 400 `validation_failed` */
export function clientChangesOf(form: Form, kind: ApplicationKind): ClientChanges {
  return readInput(clientChanges, settingsOf(typedClient(form), kind))
}

/** What the page of this kind does not ask for stays as it is. */
function settingsOf(values: ClientValues, kind: ApplicationKind) {
  return {
    client_name: values.client_name,
    resource_scopes: scopesOf(values.scope),
    ...(comesBack(kind) && {
      redirect_uris: linesOf(values.redirect_uris),
      post_logout_redirect_uris: linesOf(values.post_logout_redirect_uris),
    }),
    ...(isConfidential(kind) && { introspect: values.introspect }),
  }
}

/** What the page shows when it was refused. @throws what is not about fields */
export function clientErrorsOf(error: unknown, values: ClientValues): FormErrors {
  return formErrorsOf(error, {
    fields: { resource_scopes: 'scope' },
    items: {
      redirect_uris: linesOf(values.redirect_uris),
      post_logout_redirect_uris: linesOf(values.post_logout_redirect_uris),
      introspect: values.introspect,
    },
  })
}
