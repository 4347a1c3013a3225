import { z } from 'zod'
import { SalesforceFailure } from '#domain/salesforce/errors.ts'
import { PermanentFailure, type ServerTaskContext } from '#domain/tasks/task-type.ts'
import { type AttemptOrg, readCertificates, withOrg } from './attempt-org.ts'
import { poll } from './poll.ts'
import type { RetrieveInput } from './retrieve-input.ts'
import { answerAt, element, envelope, parseXml, xmlText } from './soap.ts'
import type { SalesforceTypeOptions } from './type-options.ts'

type Context = ServerTaskContext<RetrieveInput>

export const prepare = readCertificates

/** An answer has the whole zip file in Base64: at most 39 MB of it. */
const limits = { timeoutMs: 5 * 60 * 1000, maxBytes: 80 * 1024 * 1024 }
const partName = 'package.zip'
const namedProblems = 5

const many = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === undefined ? [] : [value].flat()), z.array(schema))
const startedForm = z.looseObject({ id: z.string() })
const statusForm = z.looseObject({
  done: z.string(),
  success: z.string().optional(),
  status: z.string().optional(),
  errorMessage: z.string().optional(),
  errorStatusCode: z.string().optional(),
  fileProperties: many(z.looseObject({ fileName: z.string(), fullName: z.string(), type: z.string() })),
  messages: many(z.looseObject({ fileName: z.string().optional(), problem: z.string() })),
})
type Status = z.output<typeof statusForm>

/** Retrieves metadata, by the SOAP API: the REST API can't. */
export function retrieve(options: SalesforceTypeOptions, context: Context): Promise<unknown> {
  const asked = requestOf(context.input)
  return withOrg(options, context, async (org) => {
    context.step(`retrieve from ${org.username}`)
    const started = await call(org, 'retrieve', element('retrieveRequest', asked(org.apiVersion)))
    const { id } = startedForm.parse(started.answer)
    context.log(`retrieve ${id}`)
    const { status, zip } = await finished(context, org, id)
    const files = status.fileProperties.map(({ fileName, fullName, type }) => ({
      file: fileName,
      name: fullName,
      type,
    }))
    await context.part(partName, zip, 'application/zip')
    await context.part('files.json', files)
    const problems = status.messages.map(({ fileName, problem }) => (fileName ? `${fileName}: ${problem}` : problem))
    return {
      username: org.username,
      retrieveId: id,
      files: files.length,
      sizeBytes: zip.length,
      problems,
      parts: [partName, 'files.json'],
    }
  })
}

async function finished(context: Context, org: AttemptOrg, id: string): Promise<{ status: Status; zip: Buffer }> {
  const asked = element('asyncProcessId', id) + element('includeZip', 'true')
  const { status, zip } = await poll(org, context.signal, async () => {
    const { answer, zip } = await call(org, 'checkRetrieveStatus', asked)
    const status = statusForm.parse(answer)
    context.progress(status.done === 'true' ? 90 : 10, status.status ?? 'retrieve')
    return status.done === 'true' ? { status, zip } : undefined
  })
  if (status.success === 'true' && zip !== undefined) return { status, zip }
  const problems = status.messages.slice(0, namedProblems).map(({ problem }) => problem)
  const words = [status.errorMessage, ...problems].filter(Boolean).join('; ')
  throw new SalesforceFailure(`Salesforce could not retrieve it: ${words || status.status}.`, {
    reason: status.errorStatusCode ?? 'RETRIEVE_FAILED',
  })
}

/** A call of the Metadata API; the zip file in its answer is taken out before the rest is read as XML. */
async function call(
  org: AttemptOrg,
  name: string,
  content: string,
): Promise<{ answer: unknown; zip: Buffer | undefined }> {
  const { body } = await org.soap((session) => envelope(session, element(name, content)), limits)
  const start = body.indexOf('<zipFile>')
  const end = body.indexOf('</zipFile>')
  const hasZip = start !== -1 && end > start
  const zip = hasZip ? Buffer.from(body.toString('latin1', start + '<zipFile>'.length, end), 'base64') : undefined
  const text = hasZip
    ? body.toString('utf8', 0, start) + body.toString('utf8', end + '</zipFile>'.length)
    : body.toString('utf8')
  return { answer: answerAt(text, 'Envelope', 'Body', `${name}Response`, 'result'), zip }
}

/** The request for an API version. @throws {PermanentFailure} for a manifest that is none */
function requestOf({ types, manifest, packages }: RetrieveInput): (apiVersion: string) => string {
  const wanted = manifest === undefined ? types : typesOf(manifest)
  const members = Object.entries(wanted)
    .map(([type, names]) =>
      element(
        'types',
        names.map((name) => element('members', xmlText(name))).join('') + element('name', xmlText(type)),
      ),
    )
    .join('')
  const isSingle = packages.length === 0
  return (apiVersion) =>
    element('apiVersion', apiVersion) +
    packages.map((name) => element('packageNames', xmlText(name))).join('') +
    element('singlePackage', String(isSingle)) +
    (members === '' ? '' : element('unpackaged', members + element('version', apiVersion)))
}

const manifestForm = z.object({
  Package: z.looseObject({ types: many(z.looseObject({ name: z.string(), members: many(z.string()) })) }),
})

function typesOf(manifest: string): Record<string, string[]> {
  try {
    const { types } = manifestForm.parse(parseXml(manifest)).Package
    return Object.fromEntries(types.map(({ name, members }) => [name, members]))
  } catch (cause) {
    throw new PermanentFailure('The manifest is not a package.xml.', 'INVALID_MANIFEST', { cause })
  }
}
