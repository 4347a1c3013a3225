import { ScopeNotHeld } from '#domain/access/errors.ts'
import type { DeviceRow } from '#domain/access/sign-in/device.ts'
import type { BegunDevice } from '#domain/access/sign-in/device-sign-in.ts'
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

failureType(AuthorizationPending, 'AuthorizationPending', 'The device has not been approved or denied yet.')
failureType(DeviceDenied, 'DeviceDenied', 'The device was denied.')
failureType(DeviceCodeExpired, 'DeviceCodeExpired', 'The device’s code is not valid (any more).')
failureType(DeviceNotFound, 'DeviceNotFound', 'No device is waiting with this code.')
failureType(PersonNeeded, 'PersonNeeded', 'An application token cannot approve or deny a device.')

builder.objectType(SlowDown, {
  name: 'SlowDown',
  description: 'The device polls too often.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof SlowDown,
  fields: (t) => ({
    intervalMs: t.exposeInt('intervalMs', { description: 'The new polling interval, in milliseconds.' }),
  }),
})

const Device = builder.objectRef<DeviceRow>('DeviceSignIn').implement({
  description: 'A program without a browser that waits to be signed in (RFC 8628).',
  fields: (t) => ({
    clientName: t.exposeString('clientName', { description: 'The name that it gives itself; not verified.' }),
    scopes: t.exposeStringList('scopes', { description: 'The requested scopes; empty: all of the person’s.' }),
    address: t.exposeString('address', { description: 'Its network address.' }),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'Its user agent.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it asked to be signed in.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When the request expires.' }),
  }),
})

const BeginDeviceSignInInput = builder.inputType('BeginDeviceSignInInput', {
  description: 'The device and the requested scopes.',
  fields: (t) => ({
    clientName: t.string({ required: true, description: 'The name shown to the person; at most 100 characters.' }),
    scopes: t.stringList({ description: 'The requested scopes; default: all of the person’s.' }),
  }),
})

const BeginDeviceSignInPayload = builder.objectRef<BegunDevice>('BeginDeviceSignInPayload').implement({
  description: 'The device is waiting for approval.',
  fields: (t) => ({
    deviceCode: t.exposeString('deviceCode', { description: 'The device’s secret, for `finishDeviceSignIn`.' }),
    userCode: t.exposeString('userCode', { description: 'The code for the person to enter, such as `WDJB-MJHT`.' }),
    verificationUri: t.exposeString('verificationUri', {
      description: 'The page where they enter it; a path of this server if its address is not configured.',
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Ten minutes from now.' }),
    intervalMs: t.exposeInt('intervalMs', { description: 'The polling interval, in milliseconds.' }),
  }),
})

builder.mutationField('beginDeviceSignIn', (t) =>
  t.field({
    ...isPublic,
    type: BeginDeviceSignInPayload,
    description:
      'Starts the sign-in of a program without a browser: the device authorization of RFC 8628. Needs no token.',
    args: { input: t.arg({ type: BeginDeviceSignInInput, required: true, description: 'Which device.' }) },
    errors: { types: [InvalidInput, TooManyAttempts] },
    resolve: (_root, { input: { clientName, scopes } }, { access, request }) =>
      access.devices.begin({ clientName, scopes: scopes ?? undefined }, request),
  }),
)

const FinishDeviceSignInInput = builder.inputType('FinishDeviceSignInInput', {
  description: 'A device that polls for the decision.',
  fields: (t) => ({
    deviceCode: t.string({ required: true, description: 'The device code from `beginDeviceSignIn`.' }),
  }),
})

builder.mutationField('finishDeviceSignIn', (t) =>
  t.field({
    ...isPublic,
    type: signedInPayload('FinishDeviceSignInPayload'),
    description: 'Signs a device in once a person has approved it; poll it until then. Needs no token.',
    args: { input: t.arg({ type: FinishDeviceSignInInput, required: true, description: 'Which device.' }) },
    errors: { types: [AuthorizationPending, SlowDown, DeviceDenied, DeviceCodeExpired] },
    resolve: (_root, { input }, { access, request }) => access.devices.finish(input.deviceCode, request),
  }),
)

builder.queryField('deviceSignIn', (t) =>
  t.field({
    type: Device,
    nullable: true,
    description:
      'The device waiting with this code, for a person to review before they decide; null when there is none.',
    args: { userCode: t.arg.string({ required: true, description: 'The code shown by the device.' }) },
    resolve: async (_root, { userCode }, { caller, access }) => (await access.devices.find(caller, userCode)) ?? null,
  }),
)

function decisionInput(name: string) {
  return builder.inputType(name, {
    description: 'The device to decide about.',
    fields: (t) => ({ userCode: t.string({ required: true, description: 'The code shown by the device.' }) }),
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
    type: decisionPayload('ApproveDevicePayload', 'The device receives its tokens when it polls next.'),
    description: 'Approves a device: it can act as you, within the requested scopes.',
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
    type: decisionPayload('DenyDevicePayload', 'The device is refused when it polls next.'),
    description: 'Denies a device.',
    args: {
      input: t.arg({ type: decisionInput('DenyDeviceInput'), required: true, description: 'The device to deny.' }),
    },
    errors: { types: [DeviceNotFound, PersonNeeded, TooManyAttempts] },
    resolve: async (_root, { input }, { caller, access }) => ({
      device: await access.devices.deny(caller, input.userCode),
    }),
  }),
)
