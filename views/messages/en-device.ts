/** Devices without a browser of their own: the code, the question, the answer. */
import type { ComponentChildren } from 'preact'

type Words = ComponentChildren

export const device = {
  title: 'Connect a device',
  lead: 'Enter the code that your device shows.',
  compare: 'Go on only if your device shows exactly this code.',
  code: 'Code',
  codeHint: '8 letters, with or without the dash.',
  continue: 'Continue',
  missing: 'Enter the code that your device shows.',
  malformed: 'A code has 8 letters. There are no vowels and no digits in it.',
  unknown:
    'This is not the code of a device that waits. Compare it letter by letter. A code lasts 10 minutes: if it is older, get a new one on your device.',
  over: 'This code has expired, or somebody else has entered it. Get a new one on your device.',

  confirmDocumentTitle: (client: string): string => `Allow ${client} on a device?`,
  confirmTitle: (client: Words): Words[] => [client, ' asks to use your account on a device'],
  onlyYours:
    'Allow this only if you started it yourself just now, on a device that you have with you. If somebody sent you the code, deny.',
  device: 'Calls itself',
  unknownDevice: 'Nothing',
  address: 'Address',
  unknownAddress: 'Unknown',
  askedAt: 'Asked',
  nothingPermitted: 'Your account has none of the permissions that it asks for.',
  staysSignedIn:
    'The device stays connected when you sign out here. You can withdraw this at any time in your account, under Applications.',

  allowedTitle: 'Your device is connected',
  allowed: (client: Words): Words[] => [
    'Go back to your device: ',
    client,
    ' goes on there in a few seconds.',
  ],
  later: 'You can withdraw this at any time in your account, under Applications.',
  toApplications: 'Applications',
  deniedTitle: 'Your device is not connected',
  denied: (client: Words): Words[] => [client, ' gets no access to your account.'],
  notYou: 'If somebody sent you the code, do not answer them: they wanted to get into your account.',
  home: 'Go to the home page',
}
