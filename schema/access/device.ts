import { ScopeNotHeld } from '#domain/access/errors.ts'
import type { BegunDevice } from '#domain/access/sign-in/device-sign-in.ts'
import type { DeviceRow } from '#domain/access/sign-in/device-store.ts'
import {
  AuthorizationPending,
  DeviceCodeExpired,
  DeviceDenied,
  DeviceNotFound,
  PersonNeeded,
  SlowDown,
  TooManyAttempts,
} from '#domain/access/sign-in/errors.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder, isPublic } from '#schema/builder.ts'
import { Failure, failureType } from '#schema/failures.ts'
import { signedInPayload } from './sign-in.ts'

failureType(AuthorizationPending, 'AuthorizationPending', 'Nobody has decided about the device yet.')
failureType(DeviceDenied, 'DeviceDenied', 'A person has refused the device.')
failureType(DeviceCodeExpired, 'DeviceCodeExpired', 'The device’s code is not valid (any more).')
failureType(DeviceNotFound, 'DeviceNotFound', 'No device waits with this code.')
failureType(PersonNeeded, 'PersonNeeded', 'An application token can’t decide about a device.')

builder.objectType(SlowDown, {
  name: 'SlowDown',
  description: 'The device asks too often.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof SlowDown,
  fields: (t) => ({
    intervalMs: t.exposeInt('intervalMs', { description: 'How long to wait each time from now on, in milliseconds.' }),
  }),
})

const Device = builder.objectRef<DeviceRow>('DeviceSignIn').implement({
  description: 'A program without a browser that waits for a person to sign it in (RFC 8628).',
  fields: (t) => ({
    clientName: t.exposeString('clientName', { description: 'What it calls itself; anything can call itself so.' }),
    scopes: t.exposeStringList('scopes', { description: 'What it asks for; empty: all that the person may.' }),
    address: t.exposeString('address', { description: 'The network address that it asks from.' }),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'Its user agent.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Since when it waits.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when.' }),
  }),
})

const BeginDeviceSignInInput = builder.inputType('BeginDeviceSignInInput', {
  description: 'What a device is, and asks for.',
  fields: (t) => ({
    clientName: t.string({ required: true, description: 'What the person is shown; at most 100 characters.' }),
    scopes: t.stringList({ description: 'What it wants to do; all that the person may when absent.' }),
  }),
})

const BeginDeviceSignInPayload = builder.objectRef<BegunDevice>('BeginDeviceSignInPayload').implement({
  description: 'The device waits for a person.',
  fields: (t) => ({
    deviceCode: t.exposeString('deviceCode', { description: 'For `finishDeviceSignIn`; nobody else may see it.' }),
    userCode: t.exposeString('userCode', { description: 'For the person to type, such as `WDJB-MJHT`.' }),
    verificationUri: t.exposeString('verificationUri', {
      description: 'Where they type it; a path of this server where it doesn’t know its own address.',
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Ten minutes from now.' }),
    intervalMs: t.exposeInt('intervalMs', { description: 'How long to wait between two questions, in milliseconds.' }),
  }),
})

builder.mutationField('beginDeviceSignIn', (t) =>
  t.field({
    ...isPublic,
    type: BeginDeviceSignInPayload,
    description: 'Begins to sign in a program without a browser: the device authorization of RFC 8628. Needs no token.',
    args: { input: t.arg({ type: BeginDeviceSignInInput, required: true, description: 'Which device.' }) },
    errors: { types: [InvalidInput, TooManyAttempts] },
    resolve: (_root, { input: { clientName, scopes } }, { access, request }) =>
      access.devices.begin({ clientName, scopes: scopes ?? undefined }, request),
  }),
)

const FinishDeviceSignInInput = builder.inputType('FinishDeviceSignInInput', {
  description: 'A device that asks for the decision about it.',
  fields: (t) => ({ deviceCode: t.string({ required: true, description: 'As `beginDeviceSignIn` gave it.' }) }),
})

builder.mutationField('finishDeviceSignIn', (t) =>
  t.field({
    ...isPublic,
    type: signedInPayload('FinishDeviceSignInPayload'),
    description: 'Signs a device in once a person has approved it; to be asked again and again. Needs no token.',
    args: { input: t.arg({ type: FinishDeviceSignInInput, required: true, description: 'Which device.' }) },
    errors: { types: [AuthorizationPending, SlowDown, DeviceDenied, DeviceCodeExpired] },
    resolve: (_root, { input }, { access, request }) => access.devices.finish(input.deviceCode, request),
  }),
)

builder.queryField('deviceSignIn', (t) =>
  t.field({
    type: Device,
    nullable: true,
    description: 'What waits with this code, for a person to look at before they decide; null when nothing does.',
    args: { userCode: t.arg.string({ required: true, description: 'As the device shows it.' }) },
    resolve: async (_root, { userCode }, { caller, access }) => (await access.devices.find(caller, userCode)) ?? null,
  }),
)

function decisionInput(name: string) {
  return builder.inputType(name, {
    description: 'The device that somebody decides about.',
    fields: (t) => ({ userCode: t.string({ required: true, description: 'As the device shows it.' }) }),
  })
}

function decisionPayload(name: string, description: string) {
  return builder.objectRef<{ device: DeviceRow }>(name).implement({
    description,
    fields: (t) => ({ device: t.expose('device', { type: Device, description: 'The device.' }) }),
  })
}

builder.mutationField('approveDevice', (t) =>
  t.field({
    type: decisionPayload('ApproveDevicePayload', 'The device gets its tokens when it asks next.'),
    description: 'Lets a device be you, with what it asks for.',
    args: {
      input: t.arg({
        type: decisionInput('ApproveDeviceInput'),
        required: true,
        description: 'The device to approve.',
      }),
    },
    errors: { types: [DeviceNotFound, PersonNeeded, ScopeNotHeld, TooManyAttempts] },
    resolve: async (_root, { input }, { caller, access }) => ({
      device: await access.devices.approve(caller, input.userCode),
    }),
  }),
)

builder.mutationField('denyDevice', (t) =>
  t.field({
    type: decisionPayload('DenyDevicePayload', 'The device learns of it when it asks next.'),
    description: 'Sends a device away.',
    args: {
      input: t.arg({ type: decisionInput('DenyDeviceInput'), required: true, description: 'The device to deny.' }),
    },
    errors: { types: [DeviceNotFound, PersonNeeded, TooManyAttempts] },
    resolve: async (_root, { input }, { caller, access }) => ({
      device: await access.devices.deny(caller, input.userCode),
    }),
  }),
)
