import { describe, expect, it } from '@jest/globals'
import { isDocumentAllowed } from '../../src/clients/document-address.ts'
import { loadConfig } from '../../src/config.ts'

describe('the setting', () => {
  it.each(['app.example.com', 'localhost:8443', '*.example.com', 'a.example, b.example'])(
    '%s is taken',
    value => {
      expect(loadConfig({ CLIENT_ID_METADATA_DOCUMENTS: value }).clientIdMetadataDocuments).toEqual(
        value.split(', '),
      )
    },
  )

  it.each([
    'https://app.example.com',
    'app.example.com/',
    '*',
    '*.com',
    '*.example.com:8443',
    'a.*.com',
    'App.example.com',
    'a b',
  ])('%s is not', value => {
    expect(() => loadConfig({ CLIENT_ID_METADATA_DOCUMENTS: value })).toThrow(
      'CLIENT_ID_METADATA_DOCUMENTS has',
    )
  })

  it.each([
    ['https://app.example.com/client.json', true],
    ['https://a.b.example.com/client.json', true],
    ['https://example.com/client.json', false],
    ['https://evilexample.com/client.json', false],
    ['https://app.example.com:8443/client.json', false],
    ['https://app.example.com.evil.com/client.json', false],
    ['https://me@app.example.com/client.json', false],
    ['https://app.example.com./client.json', false],
    ['http://app.example.com/client.json', false],
    ['https:app.example.com/client.json', false],
    ['https://app.example.com\\client.json', false],
  ])('*.example.com and %s: %s', (clientId, allowed) => {
    expect(isDocumentAllowed(['*.example.com'], clientId)).toBe(allowed)
  })
})
